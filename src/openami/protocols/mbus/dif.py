"""The data information block of an M-Bus record: what kind of data follows, and where in the meter it is stored.

Facts from public descriptions of EN 13757-3 (the M-Bus user group's documentation, meter manuals) and from frames of
real meters; the standard's text was not at hand.
"""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import NamedTuple

from openami.model.errors import LimitExceeded, LocalProtocolError
from openami.protocols.wire.cursor import Cursor

EXTENSION = 0x80
EXTENSIONS_MAX = 10
"""How many DIFEs, and how many VIFEs, one record may have."""
MANUFACTURER_DATA = 0x0F
MORE_RECORDS_FOLLOW = 0x1F
IDLE_FILLER = 0x2F
GLOBAL_READOUT = 0x7F


class DataField(IntEnum):
    """How the data are coded: the low four bits of the DIF."""

    NO_DATA = 0
    INTEGER_8 = 1
    INTEGER_16 = 2
    INTEGER_24 = 3
    INTEGER_32 = 4
    REAL_32 = 5
    INTEGER_48 = 6
    INTEGER_64 = 7
    SELECTION = 8
    BCD_2 = 9
    BCD_4 = 10
    BCD_6 = 11
    BCD_8 = 12
    VARIABLE_LENGTH = 13
    BCD_12 = 14
    SPECIAL = 15


DATA_SIZE = (0, 1, 2, 3, 4, 4, 6, 8, 0, 1, 2, 3, 4, None, 6, None)
"""Bytes of data by data field; `None` where the data tell it themselves."""


class Function(Enum):
    """Which of a quantity's values it is: bits 4 and 5 of the DIF."""

    INSTANTANEOUS = 0
    MAXIMUM = 1
    MINIMUM = 2
    ERROR_STATE = 3
    """The value during an error state."""


FUNCTIONS = tuple(Function)


class DataInformation(NamedTuple):
    """A DIF with its DIFEs, read."""

    data_field: DataField
    function: Function = Function.INSTANTANEOUS
    storage: int = 0
    tariff: int = 0
    subunit: int = 0


def skip_extensions(cursor: Cursor, first: int, name: str) -> None:
    """Go to the end of a chain of extension bytes whose first byte was `first`."""
    count = 0
    byte = first
    while byte & EXTENSION:
        if count == EXTENSIONS_MAX:
            raise LimitExceeded(f"more than {EXTENSIONS_MAX} {name}", cursor.position)
        byte = cursor.u8()
        count += 1


_FIELDS = tuple(DataField(code) for code in range(16))
_BARE = tuple(DataInformation(_FIELDS[dif & 0x0F], FUNCTIONS[dif >> 4 & 3], dif >> 6 & 1) for dif in range(256))
"""What each DIF says without DIFEs."""


def read_data_information(block: bytes) -> DataInformation:
    """Read a whole DIF/DIFE chain. `block` comes from `skip_extensions`, so it is complete."""
    dif = block[0]
    if len(block) == 1:
        return _BARE[dif]
    storage = dif >> 6 & 1
    tariff = subunit = 0
    for index, extension in enumerate(block[1:]):
        storage |= (extension & 0x0F) << 1 + 4 * index
        tariff |= (extension >> 4 & 3) << 2 * index
        subunit |= (extension >> 6 & 1) << index
    return DataInformation(_FIELDS[dif & 0x0F], FUNCTIONS[dif >> 4 & 3], storage, tariff, subunit)


def encode_data_information(information: DataInformation) -> bytes:
    """The shortest DIF/DIFE chain that says `information`."""
    storage, tariff, subunit = information.storage, information.tariff, information.subunit
    if min(storage, tariff, subunit) < 0:
        raise LocalProtocolError("storage, tariff and subunit of a record are not negative")
    block = bytearray((information.data_field | information.function.value << 4 | (storage & 1) << 6,))
    storage >>= 1
    while storage or tariff or subunit:
        block[-1] |= EXTENSION
        block.append(storage & 0x0F | (tariff & 3) << 4 | (subunit & 1) << 6)
        storage, tariff, subunit = storage >> 4, tariff >> 2, subunit >> 1
    if len(block) > 1 + EXTENSIONS_MAX:
        raise LocalProtocolError(f"a record has at most {EXTENSIONS_MAX} DIFEs: {information}")
    return bytes(block)
