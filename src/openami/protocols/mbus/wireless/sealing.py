"""Telegrams as a meter sends them, and commands as a gateway does: records, plain or sealed in mode 5, 7 or 10.

The other side of `opening`; mode 7 carries its message counter and MAC in an AFL. A command has a long header with the
meter's address, and keys of its own direction. (From the OMS group's published material; of commands no telegram was
found: both ends are ours.)
"""

from __future__ import annotations

from dataclasses import dataclass

from openami.model.errors import LocalProtocolError
from openami.protocols.mbus.wireless import security
from openami.protocols.mbus.wireless.address import MeterAddress
from openami.protocols.mbus.wireless.fragment import Fragment, encode_fragment
from openami.protocols.mbus.wireless.link import LinkHeader, encode_link
from openami.protocols.mbus.wireless.transport import CONTENTS, Transport, encode_transport

RECORDS_CI, COMMAND_CI, ERROR_CI, NOTHING_CI, REQUEST_CI = 0x7A, 0x5B, 0x6E, 0x8A, 0x80
"""Records of a meter, records for a meter, an application error, no application (of a meter, and for one)."""
BIDIRECTIONAL, ACCESSIBLE, SYNCHRONOUS = 0x8000, 0x4000, 0x2000
"""Configuration word of modes 0 and 5: the meter answers; it answers now; it keeps its sending times."""
MAC_8_BYTES = 5
MESSAGE_CONTROL = 0x20 | MAC_8_BYTES
"""A message counter is there; the MAC has eight bytes."""
BLOCKS_MAX = 15
ALL_ENCRYPTED = 0xFF
KEY_DERIVED_TAG_8 = b"\x10\x01"
"""Mode 10's configuration as a public example has it: all octets encrypted, a derived key, a tag of eight octets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """What stands before the content: the link layer's control field, whose meter it is, and its transport header.

    `gateway` says something to `meter`; None: the meter says it.
    """

    control: int
    meter: MeterAddress
    access_number: int
    ci: int = RECORDS_CI
    status: int = 0
    flags: int = 0
    gateway: MeterAddress | None = None

    def transport(self, configuration: int, extension: bytes = b"") -> bytes:
        """The transport layer's header."""
        address = self.meter if self.gateway is not None else None
        number = self.access_number & 0xFF
        content = CONTENTS[self.ci][0]
        return encode_transport(
            Transport(self.ci, content, 0, 0, address, number, self.status, configuration, extension)
        )

    def frame(self, payload: bytes) -> bytes:
        """The whole frame, without checksums."""
        return encode_link(LinkHeader(self.control, self.gateway or self.meter), payload)


def plain_frame(heading: Heading, content: bytes) -> bytes:
    """A frame whose content anybody can read."""
    return heading.frame(heading.transport(heading.flags) + content)


def mode_5_frame(heading: Heading, content: bytes, key: bytes) -> bytes:
    """The same, encrypted; nothing tells whether it was changed on its way."""
    plain = _filled(content)
    configuration = heading.flags | 5 << 8 | len(plain) // security.BLOCK << 4
    vector = security.initial_vector(heading.meter, heading.access_number & 0xFF)
    return heading.frame(heading.transport(configuration) + security.cbc_encrypt(key, vector, plain))


def mode_7_frame(heading: Heading, content: bytes, key: bytes, counter: int) -> bytes:
    """The same, encrypted with a key for this counter alone and under a MAC; no counter may come twice."""
    plain, downlink = _filled(content), heading.gateway is not None
    derived = security.encryption_key(key, counter, heading.meter, downlink=downlink)
    sealed = security.cbc_encrypt(derived, bytes(security.BLOCK), plain)
    message = heading.transport(7 << 8 | len(plain) // security.BLOCK << 4, b"\x10") + sealed
    covered = bytes((MESSAGE_CONTROL,)) + counter.to_bytes(4, "little") + message
    mac = security.message_mac(key, counter, heading.meter, covered, 8, downlink=downlink)
    return heading.frame(encode_fragment(Fragment(0, False, MESSAGE_CONTROL, None, counter, mac)) + message)


def mode_10_frame(heading: Heading, content: bytes, key: bytes, counter: int) -> bytes:
    """The same in AES-CCM, which covers the header too; the counter stands before the ciphertext."""
    header = heading.transport(10 << 8 | ALL_ENCRYPTED, KEY_DERIVED_TAG_8)
    downlink = heading.gateway is not None
    sealed = security.ccm_seal(key, heading.meter, counter, header, content, downlink=downlink)
    return heading.frame(header + counter.to_bytes(4, "little") + sealed)


def plain_telegram(control: int, meter: MeterAddress, access_number: int, records: bytes, *, flags: int = 0) -> bytes:
    """A meter's records, plain."""
    return plain_frame(Heading(control=control, meter=meter, access_number=access_number, flags=flags), records)


def mode_5_telegram(
    control: int, meter: MeterAddress, access_number: int, records: bytes, key: bytes, *, flags: int = 0
) -> bytes:
    """A meter's records in mode 5."""
    return mode_5_frame(Heading(control=control, meter=meter, access_number=access_number, flags=flags), records, key)


def mode_7_telegram(
    control: int, meter: MeterAddress, access_number: int, records: bytes, key: bytes, counter: int
) -> bytes:
    """A meter's records in mode 7."""
    return mode_7_frame(Heading(control=control, meter=meter, access_number=access_number), records, key, counter)


def _filled(records: bytes) -> bytes:
    plain = security.FILLER + records
    plain += b"\x2f" * (-len(plain) % security.BLOCK)
    if len(plain) > BLOCKS_MAX * security.BLOCK:
        raise LocalProtocolError(f"{len(records)} bytes of records do not fit into {BLOCKS_MAX} encrypted blocks")
    return plain
