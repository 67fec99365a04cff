"""A record in text and back, and the device that plays it."""

from __future__ import annotations

import pytest

from openami.model.errors import SettingError
from openami.model.obis import ObisCode
from openami.protocols.dlms.access_result import ActionResult, DataAccessResult
from openami.protocols.dlms.association import Association, AssociationSettings
from openami.protocols.dlms.companion.meter_record import MeterRecord
from openami.protocols.dlms.companion.recorded_device import RecordedDevice
from openami.protocols.dlms.cosem.association_ln import (
    AccessRight,
    AssociationLN,
    AttributeAccessItem,
    MethodAccessItem,
    ObjectListElement,
)
from openami.protocols.dlms.data import decode_data, encode_data
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor, CosemMethodDescriptor
from openami.protocols.dlms.selective_access import (
    CaptureObjectDefinition,
    EntryDescriptor,
    RangeDescriptor,
    access_of,
)

ENERGY, CLOCK, PROFILE = ObisCode(1, 0, 1, 8, 0), ObisCode(0, 0, 1, 0, 0), ObisCode(1, 0, 99, 1, 0)
NOW = 1_767_225_600.0  # 2026-01-01T00:00:00Z
ASKING = Association(1, 1, AssociationSettings())
COLUMNS = "0102 0204 120008 090600000100 00ff 0f02 120000 0204 120003 09060100010800ff 0f02 120000"


def stamp(hour: int) -> str:
    return f"090c07ea010104{hour:02x}0000ff000000"


ROWS = "0103 " + " ".join(f"0202 {stamp(hour)} 06000000{hour:02x}" for hour in (1, 2, 3))


def element(class_id: int, name: ObisCode, *modes: int) -> ObjectListElement:
    attributes = tuple(AttributeAccessItem(number, mode) for number, mode in enumerate(modes, 1))
    return ObjectListElement(
        class_id, 0, name, AccessRight(attributes, (MethodAccessItem(1, 1), MethodAccessItem(2, 0)))
    )


def at(class_id: int, name: ObisCode, attribute: int) -> CosemAttributeDescriptor:
    return CosemAttributeDescriptor(class_id, name, attribute)


def record() -> MeterRecord:
    elements = (
        element(3, ENERGY, 1, 3, 1, 0),
        element(8, CLOCK, 1, 1),
        element(7, PROFILE, 1, 1, 1, 1, 1, 1, 1),
    )
    answers = {
        at(3, ENERGY, 1): bytes.fromhex("09060100010800ff"),
        at(3, ENERGY, 2): bytes.fromhex("0600000007"),
        at(3, ENERGY, 3): DataAccessResult.TEMPORARY_FAILURE,
        at(8, CLOCK, 2): bytes.fromhex("090c07ea010104000000ffffc400"),
        at(7, PROFILE, 2): bytes.fromhex(ROWS),
        at(7, PROFILE, 3): bytes.fromhex(COLUMNS),
        at(7, PROFILE, 7): bytes.fromhex("0600000fff"),
    }
    raw = encode_data(AssociationLN.object_list.cosem_type.to_data(elements))
    return MeterRecord(1, 1, raw, answers)


def test_text_and_back() -> None:
    assert MeterRecord.from_json(record().to_json()) == record()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "this is none"),
        ("[]", "its format is not"),
        ('{"format": "other"}', "its format is not"),
        ('{"format": "openami meter record 1"}', "broken: KeyError 'object_list'"),
        (record().to_json().replace("0600000007", "06000000"), "is no A-XDR value"),
        (record().to_json().replace("0600000007", "xyz"), "broken"),
        (record().to_json().replace("TEMPORARY_FAILURE", "SUCCESSFUL"), "SUCCESSFUL"),
        (record().to_json().replace("1-0:1.8.0*255", "1.8.0"), "is not an OBIS code"),
        (record().to_json().replace(record().object_list.hex(), "0600000007"), "object list cannot be decoded"),
    ],
)
def test_a_broken_record_is_refused(text: str, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        MeterRecord.from_json(text)


def test_values_are_answered_as_they_came() -> None:
    device = RecordedDevice(record())

    def get(class_id: int, name: ObisCode, attribute: int) -> bytes | DataAccessResult:
        return device.get(ASKING, at(class_id, name, attribute), None, NOW)

    assert get(3, ENERGY, 2) == bytes.fromhex("0600000007")
    assert get(3, ENERGY, 3) is DataAccessResult.TEMPORARY_FAILURE
    assert get(3, ENERGY, 4) is DataAccessResult.READ_WRITE_DENIED
    assert get(3, ENERGY, 5) is DataAccessResult.OBJECT_UNDEFINED
    assert get(1, ENERGY, 2) is DataAccessResult.OBJECT_CLASS_INCONSISTENT
    assert get(3, ObisCode(1, 0, 2, 8, 0), 2) is DataAccessResult.OBJECT_UNDEFINED
    assert get(7, PROFILE, 7) == bytes.fromhex("0600000003")  # as many as were recorded
    assert get(7, PROFILE, 1) == bytes.fromhex("09060100630100ff")  # not in the record, and still known


def test_the_clock_goes_on_with_its_deviation() -> None:
    raw = RecordedDevice(record()).get(ASKING, at(8, CLOCK, 2), None, NOW + 3600)
    assert isinstance(raw, bytes)
    assert str(raw.hex()) == "090c07ea01010402000000ffc400"


def test_profiles_by_entry_and_by_range() -> None:
    device, clock = RecordedDevice(record()), CaptureObjectDefinition(8, CLOCK, 2)
    low, high = (decode_data(bytes.fromhex(stamp(hour))) for hour in (2, 3))
    for selection in (EntryDescriptor(2, 0), RangeDescriptor(clock, low, high)):
        raw = device.get(ASKING, at(7, PROFILE, 2), access_of(selection), NOW)
        assert isinstance(raw, bytes)
        assert [row.value[1].value for row in decode_data(raw).value] == [2, 3]
    wrong = device.get(ASKING, at(3, ENERGY, 2), access_of(EntryDescriptor(1, 0)), NOW)
    assert wrong is DataAccessResult.SCOPE_OF_ACCESS_VIOLATED


def test_setting_and_acting() -> None:
    device = RecordedDevice(record())

    def put(attribute: int, raw: str) -> DataAccessResult:
        return device.set(ASKING, at(3, ENERGY, attribute), None, bytes.fromhex(raw), NOW)

    assert put(2, "0600000008") is DataAccessResult.SUCCESS
    assert device.get(ASKING, at(3, ENERGY, 2), None, NOW) == bytes.fromhex("0600000008")
    assert put(2, "1108") is DataAccessResult.TYPE_UNMATCHED
    assert put(3, "0600000008") is DataAccessResult.READ_WRITE_DENIED
    results = [device.action(ASKING, CosemMethodDescriptor(3, ENERGY, n), None, NOW)[0] for n in (1, 2, 3)]
    assert results == [ActionResult.OTHER_REASON, ActionResult.READ_WRITE_DENIED, ActionResult.OBJECT_UNDEFINED]
    assert device.action(ASKING, CosemMethodDescriptor(1, ENERGY, 1), None, NOW)[0] is (
        ActionResult.OBJECT_CLASS_INCONSISTENT
    )
