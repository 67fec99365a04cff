from __future__ import annotations

import pytest

from openami.model.errors import DecodeError, FrameCheckError, LocalProtocolError
from openami.protocols.dlms.hdlc.address import HdlcAddress
from openami.protocols.dlms.hdlc.frame import MEANINGS, Frame, FrameKind, control_byte, decode_frame, encode_frame

SNRM = "7ea00802232193bd647e"
AARQ = "7ea02c02232110af9fe6e600601da109060760857405080101be10040e01000000065f1f0400001e1dffffc5e47e"


def test_a_frame_without_information_has_no_hcs():
    frame = decode_frame(bytes.fromhex(SNRM))
    assert frame == Frame(HdlcAddress(1, 17), HdlcAddress(16), FrameKind.SNRM, control=0x93)
    assert encode_frame(frame).hex() == SNRM


def test_a_frame_with_information():
    frame = decode_frame(bytes.fromhex(AARQ))
    assert (frame.kind, frame.final, frame.send_sequence, frame.receive_sequence) == (FrameKind.I, True, 0, 0)
    assert frame.information[:5].hex() == "e6e600601d"
    assert encode_frame(frame).hex() == AARQ


def test_flags_may_be_missing():
    raw = bytes.fromhex(AARQ)
    assert decode_frame(raw[1:-1]) == decode_frame(raw[:-1]) == decode_frame(raw)


def test_a_flag_byte_at_the_end_may_belong_to_the_fcs():
    """Among frames that differ in one number there is one whose last checksum byte is 7E."""
    found = 0
    for value in range(1 << 16):
        raw = encode_frame(
            Frame(HdlcAddress(1), HdlcAddress(16), FrameKind.I, information=b"\xe6\xe6\x00" + value.to_bytes(2, "big"))
        )
        if raw[-2] == 0x7E:
            found += 1
            assert decode_frame(raw) == decode_frame(raw[:-1]) == decode_frame(raw[1:-1])
    assert found == 256


@pytest.mark.parametrize("control", range(256))
def test_every_control_byte_reads_and_writes(control):
    kind, final, send_sequence, receive_sequence = MEANINGS[control]
    frame = Frame(
        HdlcAddress(1),
        HdlcAddress(16),
        kind,
        final,
        send_sequence=send_sequence,
        receive_sequence=receive_sequence,
        control=control,
    )
    assert control_byte(frame) == control
    assert decode_frame(encode_frame(frame)) == frame


def test_every_flipped_bit_is_seen():
    raw = bytes.fromhex(AARQ)[1:-1]
    for bit in range(8 * len(raw)):
        data = bytearray(raw)
        data[bit // 8] ^= 1 << bit % 8
        with pytest.raises(DecodeError):
            decode_frame(bytes(data))


@pytest.mark.parametrize(
    ("raw", "offset", "reason"),
    [
        ("", 0, "2 bytes of frame format"),
        ("7e", 1, "2 bytes of frame format"),
        ("7e1008", 1, "frame format 10"),
        ("7ea009022321", 1, "length field says 9 bytes, 5 are there"),
        ("7ea0050101117e", 3, "no pair of HDLC addresses"),
        (SNRM[:14] + "bd657e", 7, "FCS"),
        (AARQ.replace("af9f", "af9e"), 7, "HCS"),
        (AARQ.replace("ffffc5e4", "fffec5e4"), 43, "FCS"),
    ],
)
def test_errors_tell_where(raw, offset, reason):
    with pytest.raises(DecodeError, match=reason) as caught:
        decode_frame(bytes.fromhex(raw))
    assert caught.value.offset == offset
    assert isinstance(caught.value, FrameCheckError) == (reason in {"FCS", "HCS"})


def test_the_longest_frame():
    frame = Frame(HdlcAddress(1, 17, 4), HdlcAddress(16), FrameKind.UI, segmented=True, information=bytes(2030))
    assert decode_frame(encode_frame(frame))._replace(control=0) == frame
    with pytest.raises(LocalProtocolError, match="3000 bytes"):
        encode_frame(frame._replace(information=bytes(3000)))
