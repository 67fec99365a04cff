"""Options of RPL control messages (RFC 6550, section 6.7). Unknown ones are kept as they are."""

from __future__ import annotations

from typing import Annotated, Final, NamedTuple, TypeVar

from openami.model.errors import DecodeError, LimitExceeded
from openami.protocols.mesh.octets import IPV6_ADDRESS
from openami.protocols.wire.cursor import Cursor
from openami.protocols.wire.declared import codec_of, declared
from openami.protocols.wire.integers import UNSIGNED8, UNSIGNED16, UNSIGNED32

OPTIONS_MAX: Final = 16
_PAD1: Final = 0
_PADN: Final = 1
T = TypeVar("T")


class Option(NamedTuple):
    """One option; `content` is what follows its length."""

    kind: int
    content: bytes


@declared
class DodagConfiguration:
    """Option 4: what all nodes of the DODAG work with. The interval is 2^n ms, the lifetime in units of seconds."""

    flags: Annotated[int, UNSIGNED8]
    interval_doublings: Annotated[int, UNSIGNED8]
    interval_min: Annotated[int, UNSIGNED8]
    redundancy: Annotated[int, UNSIGNED8]
    max_rank_increase: Annotated[int, UNSIGNED16]
    min_hop_rank_increase: Annotated[int, UNSIGNED16]
    objective_code_point: Annotated[int, UNSIGNED16]
    reserved: Annotated[int, UNSIGNED8]
    default_lifetime: Annotated[int, UNSIGNED8]
    lifetime_unit_s: Annotated[int, UNSIGNED16]


@declared
class RplTarget:
    """Option 5: a destination, here always a whole address."""

    flags: Annotated[int, UNSIGNED8]
    prefix_length: Annotated[int, UNSIGNED8]
    address: Annotated[bytes, IPV6_ADDRESS]


@declared
class TransitInformation:
    """Option 6: the parent through which the target is reached; a path lifetime of 0 withdraws it."""

    flags: Annotated[int, UNSIGNED8]
    path_control: Annotated[int, UNSIGNED8]
    path_sequence: Annotated[int, UNSIGNED8]
    path_lifetime: Annotated[int, UNSIGNED8]
    parent: Annotated[bytes, IPV6_ADDRESS]


@declared
class PrefixInformation:
    """Option 8: the prefix of the DODAG's addresses."""

    prefix_length: Annotated[int, UNSIGNED8]
    flags: Annotated[int, UNSIGNED8]
    valid_s: Annotated[int, UNSIGNED32]
    preferred_s: Annotated[int, UNSIGNED32]
    reserved: Annotated[int, UNSIGNED32]
    prefix: Annotated[bytes, IPV6_ADDRESS]


CONFIGURATION, TARGET, TRANSIT, PREFIX = 4, 5, 6, 8


def encode_option(kind: int, content: object) -> bytes:
    out = bytearray((kind, 0))
    codec_of(type(content)).encode(content, out)
    out[1] = len(out) - 2
    return bytes(out)


def decode_options(cursor: Cursor) -> list[Option]:
    """All options up to the end; raise `DecodeError` for one that is cut off, `LimitExceeded` for too many."""
    options: list[Option] = []
    while cursor.remaining:
        kind = cursor.u8()
        if kind == _PAD1:
            continue
        content = cursor.take(cursor.u8())
        if kind == _PADN:
            continue
        options.append(Option(kind, content))
        if len(options) > OPTIONS_MAX:
            raise LimitExceeded(f"more than {OPTIONS_MAX} options", cursor.position)
    return options


def find(options: list[Option], kind: int, declaration: type[T]) -> T | None:
    """The first option of `kind`, decoded; octets beyond the declared ones are ignored."""
    for option in options:
        if option.kind == kind:
            value: T = codec_of(declaration).decode(Cursor(option.content))
            return value
    return None


def require(options: list[Option], kind: int, declaration: type[T]) -> T:
    """As `find`; raise `DecodeError` if there is none."""
    value = find(options, kind, declaration)
    if value is None:
        raise DecodeError(f"RPL option {kind} is missing", 0)
    return value
