"""Telegrams as a meter sends them: records in a frame, plain or sealed in mode 5 or mode 7.

The other side of `opening`; mode 7 carries its message counter and MAC in an AFL.
"""

from __future__ import annotations

from openami.model.errors import LocalProtocolError
from openami.protocols.mbus.wireless import security
from openami.protocols.mbus.wireless.address import MeterAddress
from openami.protocols.mbus.wireless.fragment import Fragment, encode_fragment
from openami.protocols.mbus.wireless.link import LinkHeader, encode_link
from openami.protocols.mbus.wireless.transport import Content, Transport, encode_transport

SHORT_CI = 0x7A
BIDIRECTIONAL, ACCESSIBLE, SYNCHRONOUS = 0x8000, 0x4000, 0x2000
"""Configuration word of modes 0 and 5: the meter answers; it answers now; it keeps its sending times."""
MAC_8_BYTES = 5
MESSAGE_CONTROL = 0x20 | MAC_8_BYTES
"""A message counter is there; the MAC has eight bytes."""
BLOCKS_MAX = 15


def plain_telegram(control: int, meter: MeterAddress, access_number: int, records: bytes, *, flags: int = 0) -> bytes:
    """A frame without checksums whose records anybody can read."""
    return encode_link(LinkHeader(control, meter), _header(access_number, flags, b"") + records)


def mode_5_telegram(
    control: int, meter: MeterAddress, access_number: int, records: bytes, key: bytes, *, flags: int = 0
) -> bytes:
    """The same, encrypted; nothing tells whether it was changed on its way."""
    plain = _filled(records)
    header = _header(access_number, flags | 5 << 8 | len(plain) // security.BLOCK << 4, b"")
    sealed = security.cbc_encrypt(key, security.initial_vector(meter, access_number), plain)
    return encode_link(LinkHeader(control, meter), header + sealed)


def mode_7_telegram(
    control: int, meter: MeterAddress, access_number: int, records: bytes, key: bytes, counter: int
) -> bytes:
    """The same, encrypted with a key for this counter alone and under a MAC; no counter may come twice."""
    plain = _filled(records)
    configuration = 7 << 8 | len(plain) // security.BLOCK << 4
    derived = security.encryption_key(key, counter, meter)
    sealed = security.cbc_encrypt(derived, bytes(security.BLOCK), plain)
    message = _header(access_number, configuration, b"\x10") + sealed
    covered = bytes((MESSAGE_CONTROL,)) + counter.to_bytes(4, "little") + message
    mac = security.message_mac(key, counter, meter, covered, 8)
    layer = encode_fragment(Fragment(0, False, MESSAGE_CONTROL, None, counter, mac))
    return encode_link(LinkHeader(control, meter), layer + message)


def _header(access_number: int, configuration: int, extension: bytes) -> bytes:
    transport = Transport(SHORT_CI, Content.RECORDS, 0, 0, None, access_number & 0xFF, 0, configuration, extension)
    return encode_transport(transport)


def _filled(records: bytes) -> bytes:
    plain = security.FILLER + records
    plain += b"\x2f" * (-len(plain) % security.BLOCK)
    if len(plain) > BLOCKS_MAX * security.BLOCK:
        raise LocalProtocolError(f"{len(records)} bytes of records do not fit into {BLOCKS_MAX} encrypted blocks")
    return plain
