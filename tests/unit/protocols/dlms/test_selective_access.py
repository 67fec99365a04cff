"""Descriptors of profiles: to Data, from Data, and into requests."""

from __future__ import annotations

import pytest

from openami.model.errors import DecodeError
from openami.model.obis import ObisCode
from openami.protocols.dlms.data import (
    array,
    decode_data,
    integer,
    long_unsigned,
    null,
    octet_string,
    structure,
    unsigned,
)
from openami.protocols.dlms.descriptor import SelectiveAccess
from openami.protocols.dlms.selective_access import (
    CaptureObjectDefinition,
    EntryDescriptor,
    RangeDescriptor,
    access_of,
    selection_of,
)

CLOCK = CaptureObjectDefinition(8, ObisCode(0, 0, 1, 0, 0), 2)
ENERGY = CaptureObjectDefinition(3, ObisCode(1, 0, 1, 8, 0), 2)
# A request that a meter answered; the date-times are octet strings of twelve octets.
RANGE = "0204020412000809060000010000ff0f02120000090c07e20601ff000300ffff8880090c07e50106ff000300ffffc400"
LOW, HIGH = (octet_string(bytes.fromhex(RANGE[at : at + 24])) for at in (44, 72))


def test_range_to_the_octets_of_a_real_request():
    access = access_of(RangeDescriptor(CLOCK, LOW, HIGH))
    assert access == SelectiveAccess(1, bytes.fromhex(RANGE + "0100"))
    assert selection_of(access) == RangeDescriptor(CLOCK, LOW, HIGH)


def test_selected_columns():
    selection = RangeDescriptor(CLOCK, LOW, HIGH, (CLOCK, ENERGY))
    assert selection_of(access_of(selection)) == selection


def test_entries():
    selection = EntryDescriptor(1, 10)
    access = access_of(selection)
    assert access.access_parameters.hex() == "0204" "0600000001" "060000000a" "120001" "120000"  # fmt: skip
    assert selection_of(access) == selection
    assert EntryDescriptor.from_data(selection.to_data()) == selection


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (null(), "a capture object definition is a structure of 4 elements, not null-data"),
        (structure(null()), "a structure of 4 elements, not structure"),
        (
            structure(unsigned(8), octet_string(b""), integer(2), long_unsigned(0)),
            "long-unsigned here, not unsigned",
        ),
        (structure(long_unsigned(8), octet_string(b"abc"), integer(2), long_unsigned(0)), "6 octets, not 3"),
    ],
)
def test_what_is_no_capture_object(data, reason):
    with pytest.raises(DecodeError, match=reason):
        CaptureObjectDefinition.from_data(data)


def test_what_is_no_descriptor():
    with pytest.raises(DecodeError, match="a range descriptor has array here, not null-data"):
        RangeDescriptor.from_data(structure(CLOCK.to_data(), LOW, HIGH, null()))
    with pytest.raises(DecodeError, match="entry descriptor"):
        EntryDescriptor.from_data(array())
    with pytest.raises(DecodeError, match=r"selector 3 is neither by range \(1\) nor by entry \(2\)"):
        selection_of(SelectiveAccess(3, b"\x00"))
    assert decode_data(b"\x00") == null()
