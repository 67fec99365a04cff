"""What our meter and its clients decode beside APDUs: images, compact data, broadcasts."""

from __future__ import annotations

from fuzz_targets import fuzz_target
from meter_bench import CLIENT_TITLE, KEYS, START, make_meter
from openami.field.meter.broadcast import BROADCAST_PROTECTION, hear_broadcast
from openami.field.meter.firmware import FirmwareImage, read_image
from openami.model.errors import DecodeError, SecurityError
from openami.protocols.dlms.apdu import encode_apdu
from openami.protocols.dlms.ciphered import GeneralGloCiphering
from openami.protocols.dlms.compact_data import decode_compact, encode_compact
from openami.protocols.dlms.counters import MemoryCounters
from openami.protocols.dlms.data import array, double_long_unsigned, long_unsigned, octet_string
from openami.protocols.dlms.image_transfer import ImagePlan, broadcast_blocks
from openami.protocols.dlms.security import SecurityKeys, protect
from openami.protocols.dlms.server_settings import ServerState

IMAGE = bytes(FirmwareImage(b"OAM-2", bytes(range(100)), bytes(64)))
BUFFER, TEMPLATE = encode_compact(1, (octet_string(b"abc"), array(long_unsigned(1)), double_long_unsigned(5)))
BROADCAST_KEYS = SecurityKeys(KEYS.global_unicast_encryption_key, KEYS.authentication_key, bytes(range(32, 48)))
METER = make_meter(keys=BROADCAST_KEYS)
BLOCK = protect(
    BROADCAST_KEYS, CLIENT_TITLE, 1, BROADCAST_PROTECTION, next(broadcast_blocks(ImagePlan(b"i", IMAGE), 64))
)


@fuzz_target("firmware-image", seeds=[IMAGE, bytes(FirmwareImage(b"OAM-3", b""))])
def image(data: bytes) -> None:
    read_image(data)


@fuzz_target("compact-data", seeds=[bytes((len(TEMPLATE),)) + TEMPLATE + BUFFER])
def compact(data: bytes) -> None:
    size = data[0] if data else 0
    decode_compact(data[1 + size :], data[1 : 1 + size])


@fuzz_target("meter-broadcast", seeds=[encode_apdu(GeneralGloCiphering(CLIENT_TITLE, BLOCK))])
def broadcast(data: bytes) -> None:
    METER.server_state = ServerState(METER.config.system_title, MemoryCounters())
    try:
        hear_broadcast(METER, data, START)
    except SecurityError as error:
        raise DecodeError(str(error), 0) from error
