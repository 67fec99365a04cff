"""Published HDLC frames: every field as expected, the same bytes again, found in a stream of noise."""

from __future__ import annotations

import pytest

from openami.protocols.dlms.framing import ApduReceived
from openami.protocols.dlms.hdlc.frame import decode_frame, encode_frame
from openami.protocols.dlms.hdlc.listener import HdlcListener
from openami.protocols.dlms.hdlc.parser import HdlcParser
from shared_vectors import NEEDED, vectors

HDLC = vectors("dlms", "hdlc")
PUSHES = [entry for entry in vectors("dlms", "push") if "hdlc" in entry["expected"]]
pytestmark = NEEDED


def named(entries):
    return [pytest.param(entry, id=entry["name"]) for entry in entries]


def fields(frame):
    """A frame as the vectors describe it."""
    kind = frame.kind.value
    described = {"segmented": frame.segmented, "frame": kind, "control": f"{frame.control:02x}"}
    if kind == "UI" and frame.final:
        described["frame"] = "UI(P)"
    for name, address in (("dest", frame.destination), ("src", frame.source)):
        described[name] = {"bytes": address.size, "upper": address.upper}
        if address.lower is not None:
            described[name]["lower"] = address.lower
    if kind in {"I", "RR", "RNR"}:
        described |= {"nr": frame.receive_sequence, "pf": frame.final}
    if kind == "I":
        described["ns"] = frame.send_sequence
    if frame.information:
        described["info"] = frame.information.hex()
    return described


@pytest.mark.parametrize("entry", named(HDLC))
def test_every_field_of_a_published_frame(entry):
    raw, expected = bytes.fromhex(entry["hex"]), dict(entry["expected"])
    frame = decode_frame(raw)
    assert raw[-3:-1].hex() == expected.pop("fcs")
    assert len(raw) - 2 == expected.pop("length")
    assert expected.pop("hcs", "") in raw.hex()
    assert fields(frame) == expected
    assert encode_frame(frame) == raw


@pytest.mark.parametrize("entry", named(PUSHES))
def test_every_field_of_a_published_push(entry):
    raw, expected = bytes.fromhex(entry["hex"]), entry["expected"]["hdlc"]
    frame = decode_frame(raw)
    described = fields(frame)
    assert all(described[name] == value for name, value in expected.items() if name not in {"hcs", "fcs", "length"})
    assert encode_frame(frame).strip(b"\x7e") == raw.strip(b"\x7e")


def test_all_of_them_in_one_noisy_stream():
    raws = [bytes.fromhex(entry["hex"]) for entry in HDLC + PUSHES]
    raws = [raw if raw[0] == 0x7E else b"\x7e" + raw + b"\x7e" for raw in raws]
    stream = b"".join(b"\x00\x7e\xa0noise" + raw for raw in raws)
    for size in (1, 7, len(stream)):
        parser = HdlcParser()
        events = [event for at in range(0, len(stream), size) for event in parser.feed(stream[at : at + size])]
        frames = [event for event in events if hasattr(event, "kind")]
        assert frames == [decode_frame(raw) for raw in raws]


@pytest.mark.parametrize("entry", named(PUSHES))
def test_a_listener_hears_the_push(entry):
    raw = bytes.fromhex(entry["hex"])
    listener = HdlcListener()
    listener.receive(raw if raw[0] == 0x7E else b"\x7e" + raw + b"\x7e", 0.0)
    event = listener.next_event()
    assert isinstance(event, ApduReceived)
    assert event.apdu[:1] == b"\x0f"
    assert event.unconfirmed


def test_the_last_two_segments_of_a_push_go_together():
    by_name = {entry["name"]: bytes.fromhex(entry["hex"]) for entry in HDLC}
    second, third = by_name["hdlc-iskra-am550-segment-2of3"], by_name["hdlc-iskra-am550-segment-3of3"]
    begun = decode_frame(second)
    first = begun._replace(information=b"\xe6\xe7\x00\x0f" + bytes(100))
    listener = HdlcListener()
    listener.receive(encode_frame(first) + second + third, 0.0)
    event = listener.next_event()
    expected = first.information[3:] + begun.information + decode_frame(third).information
    assert event == ApduReceived(expected, 1, 103, unconfirmed=True)
