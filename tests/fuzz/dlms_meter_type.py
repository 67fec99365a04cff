"""What describes a meter: its object list, the record of it, a companion profile; and telegrams to be explained."""

from __future__ import annotations

from fuzz.dlms_apdu import APDUS
from fuzz_targets import fuzz_target
from meter_bench import Client, make_laboratory_meter
from openami.model.errors import DecodeError, SettingError
from openami.protocols.dlms.companion.meter_record import OBJECT_LIST, MeterRecord, model_of
from openami.protocols.dlms.companion.profile import load_profile
from openami.protocols.dlms.data import array, decode_data, encode_data
from openami.protocols.dlms.hdlc.address import HdlcAddress
from openami.protocols.dlms.hdlc.frame import Frame, FrameKind, encode_frame
from openami.protocols.dlms.telegram import DlmsDecoder
from openami.protocols.dlms.wrapper import encode_wrapper

OCTETS = make_laboratory_meter().get(Client(16), OBJECT_LIST, None, 0.0)
assert isinstance(OCTETS, bytes)
SOME = encode_data(array(*decode_data(OCTETS).value[:4]))
RECORD = b"""{"format": "openami meter record 1", "client": 2, "server": 1, "object_list": "%s", "objects": [
{"logical_name": "1-0:1.8.0*255", "class_id": 3, "attributes": {"2": "060000007b", "3": {"refused": "OTHER_REASON"}}}
]}""" % SOME.hex().encode()
PROFILE = b"""name = "small"
extra = "reported"
[clients.2]
authentication = "hls5"
[[objects]]
logical_name = "1-0:1.8.0*255"
class_id = 3
version = [0]
clients = [2]
attributes = { 2 = "r" }
"""
INFORMATION = Frame(HdlcAddress(16), HdlcAddress(1), FrameKind.I, final=True, information=b"\xe6\xe7\x00" + APDUS[6])


@fuzz_target("dlms-object-list", [SOME], inputs=10_000)
def object_list(data: bytes) -> None:
    """The model that the list gives, and its text."""
    try:
        repr(model_of(data))
    except SettingError as error:
        raise DecodeError(str(error), 0) from error


@fuzz_target("dlms-meter-record", [RECORD], inputs=10_000)
def record(data: bytes) -> None:
    """A record as a file; what reads can be written and read again."""
    try:
        read = MeterRecord.from_json(data.decode("latin-1"))
    except SettingError as error:
        raise DecodeError(str(error), 0) from error
    assert MeterRecord.from_json(read.to_json()) == read


@fuzz_target("dlms-companion-profile", [PROFILE], inputs=10_000)
def profile(data: bytes) -> None:
    """A profile as a file."""
    try:
        load_profile(data.decode("latin-1"), "a profile")
    except SettingError as error:
        raise DecodeError(str(error), 0) from error


@fuzz_target("dlms-telegram", [*APDUS, *(encode_wrapper(one, 1, 16) for one in APDUS), encode_frame(INFORMATION)])
def telegram(data: bytes) -> None:
    """What `openami decode` makes of a telegram, whatever it takes it for."""
    for decoder in DlmsDecoder([bytes(16)]).decoders():
        if decoder.looks_like is None or decoder.looks_like(data):
            try:
                decoder.decode(data).plain()
            except DecodeError:
                continue
