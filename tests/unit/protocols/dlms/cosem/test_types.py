from __future__ import annotations

from typing import Annotated

import pytest

from openami.model.errors import DecodeError
from openami.model.obis import ObisCode
from openami.model.unit import Unit
from openami.protocols.dlms.cosem.association_ln import (
    AccessRight,
    AttributeAccessItem,
    AttributeAccessMode,
    MethodAccessItem,
    MethodAccessMode,
    ObjectListElement,
)
from openami.protocols.dlms.cosem.register import SCAL_UNIT_TYPE, ScalUnitType
from openami.protocols.dlms.cosem.types import (
    DATE_TIME_OCTETS,
    LOGICAL_NAME,
    UNSIGNED,
    array_of,
    cosem_structure,
    enum_of,
    structure_type,
)
from openami.protocols.dlms.data import Data, DataType, decode_data, encode_data, octet_string, structure, unsigned
from openami.protocols.dlms.date_time import CosemDateTime


def test_scal_unit_type_on_the_wire() -> None:
    wh = ScalUnitType(-1, Unit.WATT_HOUR)
    assert encode_data(SCAL_UNIT_TYPE.to_data(wh)).hex() == "02020fff161e"
    assert SCAL_UNIT_TYPE.from_data(decode_data(bytes.fromhex("02020fff161e"))) == wh
    assert str(wh.quantity(12345)) == "1234.5 Wh"


def test_object_list_element_on_the_wire() -> None:
    rights = AccessRight(
        (
            AttributeAccessItem(1, AttributeAccessMode.READ_ONLY),
            AttributeAccessItem(2, AttributeAccessMode.READ_ONLY, (1, 2)),
        ),
        (MethodAccessItem(1, MethodAccessMode.NO_ACCESS),),
    )
    element = ObjectListElement(7, 1, ObisCode(1, 0, 99, 1, 0), rights)
    kind = structure_type(ObjectListElement)
    raw = encode_data(kind.to_data(element))
    assert raw.hex() == (
        "0204" "120007" "1101" "09060100630100ff" "0202"
        "0102" "02030f01160100" "02030f02160101020f010f02"
        "0101" "02020f011600"
    )  # fmt: skip
    assert kind.from_data(decode_data(raw)) == element


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (unsigned(5), "octet-string(6) expected, unsigned found"),
        (octet_string(b"\1\2"), "a logical name has 6 bytes, not 2"),
    ],
)
def test_a_wrong_logical_name_says_what_is_wrong(data: Data, reason: str) -> None:
    with pytest.raises(DecodeError, match=r".") as error:
        LOGICAL_NAME.from_data(data)
    assert reason in str(error.value)


def test_a_clock_may_come_with_its_own_tag_or_as_octets() -> None:
    stamp = CosemDateTime.from_utc(0)
    assert DATE_TIME_OCTETS.to_data(stamp) == octet_string(bytes(stamp))
    assert DATE_TIME_OCTETS.from_data(Data(DataType.DATE_TIME, stamp)) == stamp
    with pytest.raises(DecodeError):
        DATE_TIME_OCTETS.from_data(octet_string(b"\0" * 11))


def test_errors_inside_structures_name_the_field() -> None:
    with pytest.raises(DecodeError) as error:
        SCAL_UNIT_TYPE.from_data(structure(unsigned(1), Data(DataType.ENUM, 30)))
    assert error.value.path == ("ScalUnitType", "scaler")
    with pytest.raises(DecodeError, match="2 fields, 1 found"):
        SCAL_UNIT_TYPE.from_data(structure(unsigned(1)))
    with pytest.raises(DecodeError, match="ScalUnitType expected"):
        SCAL_UNIT_TYPE.from_data(unsigned(1))


def test_enums_and_arrays_take_only_what_is_declared() -> None:
    with pytest.raises(DecodeError, match="enum 9 is not one of MethodAccessMode"):
        enum_of(MethodAccessMode).from_data(Data(DataType.ENUM, 9))
    with pytest.raises(DecodeError, match="enum expected"):
        enum_of(MethodAccessMode).from_data(unsigned(1))
    with pytest.raises(DecodeError, match="array expected"):
        array_of(UNSIGNED).from_data(unsigned(1))
    assert array_of(UNSIGNED).name == "array of unsigned"


def test_a_structure_is_declared_by_its_fields() -> None:
    @cosem_structure
    class Pair:
        first: Annotated[int, UNSIGNED]
        second: Annotated[int, UNSIGNED]

    assert structure_type(Pair).to_data(Pair(1, 2)) == structure(unsigned(1), unsigned(2))
