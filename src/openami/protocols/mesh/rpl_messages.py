"""RPL control messages (RFC 6550, section 6): DIS, DIO, DAO, DAO-ACK, as they follow the ICMPv6 checksum."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, Final, NamedTuple

from openami.protocols.mesh.octets import IPV6_ADDRESS
from openami.protocols.mesh.rpl_options import Option, decode_options
from openami.protocols.wire.cursor import Cursor
from openami.protocols.wire.declared import Codec, codec_of, declared, encode_all
from openami.protocols.wire.integers import UNSIGNED8, UNSIGNED16

INFINITE_RANK: Final = 0xFFFF
NON_STORING: Final = 1
_GROUNDED: Final = 0x80
_MODE_SHIFT, _MODE_MASK = 3, 7
_DODAG_ID_PRESENT: Final = 0x40
_ACK_WANTED: Final = 0x80
_DODAG_ID_IN_ACK: Final = 0x80


class RplCode(IntEnum):
    """ICMPv6 codes of the RPL control message, type 155."""

    DIS = 0
    DIO = 1
    DAO = 2
    DAO_ACK = 3


@declared
class DioHead:
    """DODAG information object, before its options."""

    instance: Annotated[int, UNSIGNED8]
    version: Annotated[int, UNSIGNED8]
    rank: Annotated[int, UNSIGNED16]
    grounded_mode_preference: Annotated[int, UNSIGNED8]
    dtsn: Annotated[int, UNSIGNED8]
    flags: Annotated[int, UNSIGNED8]
    reserved: Annotated[int, UNSIGNED8]
    dodag_id: Annotated[bytes, IPV6_ADDRESS]

    @property
    def mode(self) -> int:
        """The mode of operation; 1 is non-storing."""
        return self.grounded_mode_preference >> _MODE_SHIFT & _MODE_MASK


GROUNDED_NON_STORING: Final = _GROUNDED | NON_STORING << _MODE_SHIFT


@declared
class DisHead:
    """DODAG information solicitation, before its options."""

    flags: Annotated[int, UNSIGNED8]
    reserved: Annotated[int, UNSIGNED8]


@declared
class DaoHead:
    """Destination advertisement object, before the DODAG identifier and its options."""

    instance: Annotated[int, UNSIGNED8]
    flags: Annotated[int, UNSIGNED8]
    reserved: Annotated[int, UNSIGNED8]
    sequence: Annotated[int, UNSIGNED8]

    @property
    def ack_wanted(self) -> bool:
        return bool(self.flags & _ACK_WANTED)


@declared
class DaoAck:
    """Acknowledgement of a DAO. Status 0 accepts; 128 and above refuse."""

    instance: Annotated[int, UNSIGNED8]
    flags: Annotated[int, UNSIGNED8]
    sequence: Annotated[int, UNSIGNED8]
    status: Annotated[int, UNSIGNED8]


_DIO: Final[Codec[DioHead]] = codec_of(DioHead)
_DAO: Final[Codec[DaoHead]] = codec_of(DaoHead)
_DAO_ACK: Final[Codec[DaoAck]] = codec_of(DaoAck)
_DIS: Final[Codec[DisHead]] = codec_of(DisHead)


class Dio(NamedTuple):
    """A whole DIO."""

    head: DioHead
    options: list[Option]


class Dao(NamedTuple):
    """A whole DAO."""

    head: DaoHead
    dodag_id: bytes
    options: list[Option]


def decode_dio(body: bytes) -> Dio:
    cursor = Cursor(body)
    return Dio(_DIO.decode(cursor), decode_options(cursor))


def encode_dio(head: DioHead, options: bytes) -> bytes:
    return encode_all(_DIO, head) + options


def decode_dao(body: bytes) -> Dao:
    cursor = Cursor(body)
    head = _DAO.decode(cursor)
    dodag_id = cursor.take(16) if head.flags & _DODAG_ID_PRESENT else b""
    return Dao(head, dodag_id, decode_options(cursor))


def encode_dao(instance: int, sequence: int, options: bytes, *, ack_wanted: bool) -> bytes:
    return encode_all(_DAO, DaoHead(instance, _ACK_WANTED if ack_wanted else 0, 0, sequence)) + options


def decode_dao_ack(body: bytes) -> DaoAck:
    cursor = Cursor(body)
    ack = _DAO_ACK.decode(cursor)
    if ack.flags & _DODAG_ID_IN_ACK:
        cursor.take(16)
    decode_options(cursor)
    return ack


def encode_dao_ack(instance: int, sequence: int, status: int) -> bytes:
    return encode_all(_DAO_ACK, DaoAck(instance, 0, sequence, status))


def decode_dis(body: bytes) -> DisHead:
    cursor = Cursor(body)
    head = _DIS.decode(cursor)
    decode_options(cursor)
    return head


DIS: Final = bytes(2)
