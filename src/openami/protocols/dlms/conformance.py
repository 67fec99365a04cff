"""Conformance: the block of services that one side offers and both sides agree on."""

from __future__ import annotations

from enum import IntFlag
from typing import Final

from openami.protocols.wire.cursor import Cursor
from openami.protocols.wire.declared import Codec


class Conformance(IntFlag):
    """Bit 0 of the standard's bit string is the highest of 24."""

    GENERAL_PROTECTION = 1 << 22
    GENERAL_BLOCK_TRANSFER = 1 << 21
    READ = 1 << 20
    WRITE = 1 << 19
    UNCONFIRMED_WRITE = 1 << 18
    DELTA_VALUE_ENCODING = 1 << 17
    ATTRIBUTE0_SUPPORTED_WITH_SET = 1 << 15
    PRIORITY_MGMT_SUPPORTED = 1 << 14
    ATTRIBUTE0_SUPPORTED_WITH_GET = 1 << 13
    BLOCK_TRANSFER_WITH_GET_OR_READ = 1 << 12
    BLOCK_TRANSFER_WITH_SET_OR_WRITE = 1 << 11
    BLOCK_TRANSFER_WITH_ACTION = 1 << 10
    MULTIPLE_REFERENCES = 1 << 9
    INFORMATION_REPORT = 1 << 8
    DATA_NOTIFICATION = 1 << 7
    ACCESS = 1 << 6
    PARAMETERIZED_ACCESS = 1 << 5
    GET = 1 << 4
    SET = 1 << 3
    SELECTIVE_ACCESS = 1 << 2
    EVENT_NOTIFICATION = 1 << 1
    ACTION = 1 << 0


CLIENT_CONFORMANCE: Final = (
    Conformance.PRIORITY_MGMT_SUPPORTED
    | Conformance.ATTRIBUTE0_SUPPORTED_WITH_GET
    | Conformance.BLOCK_TRANSFER_WITH_GET_OR_READ
    | Conformance.BLOCK_TRANSFER_WITH_SET_OR_WRITE
    | Conformance.BLOCK_TRANSFER_WITH_ACTION
    | Conformance.MULTIPLE_REFERENCES
    | Conformance.GET
    | Conformance.SET
    | Conformance.SELECTIVE_ACCESS
    | Conformance.ACTION
    | Conformance.ACCESS
)
"""What a client proposes with logical names unless its settings say otherwise."""
SERVER_CONFORMANCE: Final = (
    Conformance.GENERAL_PROTECTION
    | Conformance.GENERAL_BLOCK_TRANSFER
    | Conformance.PRIORITY_MGMT_SUPPORTED
    | Conformance.BLOCK_TRANSFER_WITH_GET_OR_READ
    | Conformance.BLOCK_TRANSFER_WITH_SET_OR_WRITE
    | Conformance.BLOCK_TRANSFER_WITH_ACTION
    | Conformance.MULTIPLE_REFERENCES
    | Conformance.GET
    | Conformance.SET
    | Conformance.SELECTIVE_ACCESS
    | Conformance.ACTION
    | Conformance.ACCESS
    | Conformance.EVENT_NOTIFICATION
)
"""What a server agrees to with logical names unless its settings say less."""


SHORT_NAME_CONFORMANCE: Final = (
    Conformance.READ
    | Conformance.WRITE
    | Conformance.UNCONFIRMED_WRITE
    | Conformance.BLOCK_TRANSFER_WITH_GET_OR_READ
    | Conformance.BLOCK_TRANSFER_WITH_SET_OR_WRITE
    | Conformance.MULTIPLE_REFERENCES
    | Conformance.INFORMATION_REPORT
    | Conformance.PARAMETERIZED_ACCESS
)
"""What both sides propose and agree to with short names."""

_HEADER: Final = bytes.fromhex("5f1f0400")  # [APPLICATION 31], 4 octets, of which no bit is unused
_SHORT_HEADER: Final = bytes.fromhex("5f0400")  # the tag in one octet, as some older devices send it


def _decode(cursor: Cursor) -> Conformance:
    start = cursor.position
    header = _HEADER if cursor.data[start : start + 2] == _HEADER[:2] else _SHORT_HEADER
    if cursor.take(len(header)) != header:
        cursor.position = start
        raise cursor.error(f"no conformance block, which begins with {_HEADER.hex()}")
    cursor.note("tag", start, header)
    start = cursor.position
    value = Conformance(cursor.unsigned(3))
    cursor.note("bits", start, value)
    return value


def _encode(value: Conformance, out: bytearray) -> None:
    out += _HEADER
    out += int(value).to_bytes(3, "big")


CONFORMANCE: Final = Codec("conformance", _decode, _encode)
