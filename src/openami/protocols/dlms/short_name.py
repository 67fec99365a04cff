"""Read and Write with short names: objects are named by 16-bit base names. Values stay undecoded Data octets.

Choices as in the Green Book's ASN.1 of the short-name services.
"""

from __future__ import annotations

from types import NoneType
from typing import Annotated, Any, Final

from openami.protocols.dlms.access_result import DATA_ACCESS_RESULT, DataAccessResult
from openami.protocols.dlms.axdr import BOOLEAN, OCTET_STRING, choice, sequence_of
from openami.protocols.dlms.raw_data import RAW_DATA
from openami.protocols.wire.cursor import Cursor
from openami.protocols.wire.declared import Codec, codec_of, declared
from openami.protocols.wire.integers import UNSIGNED8, UNSIGNED16


@declared
class VariableName:
    """The whole variable."""

    variable_name: Annotated[int, UNSIGNED16]


@declared
class ParameterizedAccess:
    """The part of a variable that `parameter`, one undecoded Data, says in the way of `selector`."""

    variable_name: Annotated[int, UNSIGNED16]
    selector: Annotated[int, UNSIGNED8]
    parameter: Annotated[bytes, RAW_DATA]


@declared
class BlockNumberAccess:
    """The block after `block_number` of a long response."""

    block_number: Annotated[int, UNSIGNED16]


@declared
class DataBlock:
    """A piece of a long request or response."""

    last_block: Annotated[bool, BOOLEAN]
    block_number: Annotated[int, UNSIGNED16]
    raw_data: Annotated[bytes, OCTET_STRING]


@declared
class WriteDataBlockAccess:
    """Announces a piece of a long write."""

    last_block: Annotated[bool, BOOLEAN]
    block_number: Annotated[int, UNSIGNED16]


VariableAccessSpecification = VariableName | ParameterizedAccess | BlockNumberAccess | DataBlock | WriteDataBlockAccess


def _null(_cursor: Cursor) -> None:
    return None


def _nothing(_value: None, _out: bytearray) -> None:
    return None


_NULL: Final = Codec("null", _null, _nothing)
SPECIFICATION: Final[Codec[Any]] = choice(
    "variable-access-specification",
    {
        2: (VariableName, codec_of(VariableName)),
        4: (ParameterizedAccess, codec_of(ParameterizedAccess)),
        5: (BlockNumberAccess, codec_of(BlockNumberAccess)),
        6: (DataBlock, codec_of(DataBlock)),
        7: (WriteDataBlockAccess, codec_of(WriteDataBlockAccess)),
    },
)
_READ_RESULT: Final[Codec[Any]] = choice(
    "read-result",
    {
        0: (bytes, RAW_DATA),
        1: (DataAccessResult, DATA_ACCESS_RESULT),
        2: (DataBlock, codec_of(DataBlock)),
        3: (int, UNSIGNED16),
    },
)
_WRITE_RESULT: Final[Codec[Any]] = choice(
    "write-result",
    {0: (NoneType, _NULL), 1: (DataAccessResult, DATA_ACCESS_RESULT), 2: (int, UNSIGNED16)},
)


@declared
class ReadRequest:
    """Read variables."""

    variable_access_specification: Annotated[tuple[VariableAccessSpecification, ...], sequence_of(SPECIFICATION)]


@declared
class ReadResponse:
    """For each variable: Data octets, why not, a block of a long response, or the block number that has arrived."""

    result: Annotated[tuple[bytes | DataAccessResult | DataBlock | int, ...], sequence_of(_READ_RESULT)]


@declared
class WriteRequest:
    """Write variables: one value for each, in their order."""

    variable_access_specification: Annotated[tuple[VariableAccessSpecification, ...], sequence_of(SPECIFICATION)]
    list_of_data: Annotated[tuple[bytes, ...], sequence_of(RAW_DATA)]


@declared
class WriteResponse:
    """For each variable: `None` for success, why not, or the block number that has arrived."""

    result: Annotated[tuple[DataAccessResult | int | None, ...], sequence_of(_WRITE_RESULT)]


@declared
class UnconfirmedWriteRequest:
    """Write variables without an answer."""

    variable_access_specification: Annotated[tuple[VariableAccessSpecification, ...], sequence_of(SPECIFICATION)]
    list_of_data: Annotated[tuple[bytes, ...], sequence_of(RAW_DATA)]
