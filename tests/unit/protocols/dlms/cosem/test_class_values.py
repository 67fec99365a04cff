"""Values of the classes that act by themselves, byte by byte."""

from __future__ import annotations

from typing import Any

import pytest

from openami.model.errors import DecodeError
from openami.model.obis import ObisCode
from openami.protocols.dlms.cosem.activity_calendar import ActivityCalendar, DayProfile, DayProfileAction, WeekProfile
from openami.protocols.dlms.cosem.association_ln import AccessBits, AttributeAccessItem, MethodAccessItem
from openami.protocols.dlms.cosem.attribute import Attribute
from openami.protocols.dlms.cosem.image_transfer import ImageTransfer, ImageTransferStatus
from openami.protocols.dlms.cosem.limiter import EmergencyProfile, Limiter
from openami.protocols.dlms.cosem.register_activation import RegisterActivation, RegisterActivationMask
from openami.protocols.dlms.cosem.register_monitor import ActionSet, RegisterMonitor
from openami.protocols.dlms.cosem.script_table import ActionItem, ActionSpecification, Script, ScriptTable, ServiceId
from openami.protocols.dlms.cosem.single_action_schedule import ScheduleType, SingleActionSchedule
from openami.protocols.dlms.cosem.special_days_table import SpecialDayEntry, SpecialDaysTable
from openami.protocols.dlms.cosem.types import structure_type
from openami.protocols.dlms.data import decode_data, encode_data, integer
from openami.protocols.dlms.date_time import CosemDate, CosemDateTime, CosemTime

SCRIPTS = ObisCode(0, 0, 10, 0, 106)
DISCONNECTOR = ObisCode(0, 0, 96, 3, 10)
ITEM = ActionItem(SCRIPTS, 1)
DAY = DayProfile(1, (DayProfileAction(CosemTime(7, 0, 0, 0), ObisCode(0, 0, 10, 0, 100), 2),))
EVERY_YEAR = CosemDate(None, 12, 25, None)
START = CosemDateTime.from_bytes(bytes.fromhex("07ea0b17ff0f000000800000"))

VALUES = {
    "scripts": (
        ScriptTable.scripts,
        (Script(1, (ActionSpecification(ServiceId.EXECUTE_METHOD, 70, DISCONNECTOR, 1, integer(0)),)),),
        "0101 0202 120001 0101 0205 1602 120046 090600006003 0aff 0f01 0f00",
    ),
    "days": (
        ActivityCalendar.day_profile_table_active,
        (DAY,),
        "0101 0202 1101 0101 0203 090407000000 090600000a0064ff 120002",
    ),
    "weeks": (
        ActivityCalendar.week_profile_table_active,
        (WeekProfile(b"1", 1, 1, 1, 1, 1, 2, 2),),
        "0101 0208 090131 1101 1101 1101 1101 1101 1102 1102",
    ),
    "special days": (
        SpecialDaysTable.entries,
        (SpecialDayEntry(1, EVERY_YEAR, 3),),
        "0101 0203 120001 0905ffff0c19ff 1103",
    ),
    "emergency": (
        Limiter.emergency_profile,
        EmergencyProfile(7, START, 3600),
        "0203 120007 090c07ea0b17ff0f000000800000 0600000e10",
    ),
    "monitor": (
        RegisterMonitor.actions,
        (ActionSet(ITEM, ActionItem(SCRIPTS, 2)),),
        "0101 0202 0202 090600000a006aff 120001 0202 090600000a006aff 120002",
    ),
    "schedule": (SingleActionSchedule.executed_script, ITEM, "0202 090600000a006aff 120001"),
    "schedule type": (SingleActionSchedule.type, ScheduleType.ONE_MOMENT_WITH_WILDCARDS, "1601"),
    "image": (ImageTransfer.image_transfer_status, ImageTransferStatus.VERIFICATION_SUCCESSFUL, "1603"),
    "masks": (
        RegisterActivation.mask_list,
        (RegisterActivationMask(b"RATE1", (1, 2)),),
        "0101 0202 09055241544531 0102 1101 1102",
    ),
}


@pytest.mark.parametrize("name", VALUES)
def test_values_are_the_bytes_of_their_types(name: str) -> None:
    attribute: Attribute[Any]
    attribute, value, raw = VALUES[name]
    data = bytes.fromhex(raw)
    assert attribute.cosem_type.from_data(decode_data(data)) == value
    assert encode_data(attribute.cosem_type.to_data(value)) == data


def test_access_modes_of_all_versions_are_read() -> None:
    item = structure_type(AttributeAccessItem).from_data(decode_data(bytes.fromhex("0203 0f02 1645 00")))
    assert (
        AccessBits(item.access_mode)
        == AccessBits.READ | AccessBits.AUTHENTICATED_REQUEST | AccessBits.ENCRYPTED_RESPONSE
    )
    for raw in ("0202 0f01 0301", "0202 0f01 1601"):
        assert structure_type(MethodAccessItem).from_data(decode_data(bytes.fromhex(raw))) == MethodAccessItem(1, 1)
    with pytest.raises(DecodeError):
        structure_type(MethodAccessItem).from_data(decode_data(bytes.fromhex("0202 0f01 1101")))
