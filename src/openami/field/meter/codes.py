"""Logical names and profile layouts of our electricity meter."""

from __future__ import annotations

from openami.model.obis import ObisCode
from openami.protocols.dlms.cosem.packed_buffer import PackedLayout
from openami.protocols.dlms.data import DataType
from openami.protocols.dlms.selective_access import CaptureObjectDefinition

BILLING_SCRIPTS = ObisCode(0, 0, 10, 0, 1)
TARIFF_SCRIPTS = ObisCode(0, 0, 10, 0, 100)
DISCONNECT_SCRIPTS = ObisCode(0, 0, 10, 0, 106)
IMAGE_SCRIPTS = ObisCode(0, 0, 10, 0, 107)
PUSH_SCRIPTS = ObisCode(0, 0, 10, 0, 108)
SPECIAL_DAYS = ObisCode(0, 0, 11, 0, 0)
ACTIVITY_CALENDAR = ObisCode(0, 0, 13, 0, 0)
REGISTER_ACTIVATION = ObisCode(0, 0, 14, 0, 0)
BILLING_SCHEDULE = ObisCode(0, 0, 15, 0, 0)
DISCONNECT_SCHEDULE = ObisCode(0, 0, 15, 0, 1)
IMAGE_SCHEDULE = ObisCode(0, 0, 15, 0, 2)
PUSH_SCHEDULE = ObisCode(0, 0, 15, 0, 4)
REGISTER_MONITORS = (ObisCode(0, 0, 16, 1, 0), ObisCode(0, 0, 16, 1, 1))
LIMITER = ObisCode(0, 0, 17, 0, 0)
CLOCK = ObisCode(0, 0, 1, 0, 0)
SAP_ASSIGNMENT = ObisCode(0, 0, 41, 0, 0)
LOGICAL_DEVICE_NAME = ObisCode(0, 0, 42, 0, 0)
SECURITY_SETUP = ObisCode(0, 0, 43, 0, 0)
INVOCATION_COUNTER = ObisCode(0, 0, 43, 1, 0)
IMAGE_TRANSFER = ObisCode(0, 0, 44, 0, 0)
COMPACT_DATA = ObisCode(0, 0, 66, 0, 0)
SERIAL = ObisCode(0, 0, 96, 1, 0)
FIRMWARE = ObisCode(1, 0, 0, 2, 0)
FIRMWARE_SIGNATURE = ObisCode(1, 0, 0, 2, 8)
DISCONNECT_CONTROL = ObisCode(0, 0, 96, 3, 10)
POWER_FAILURES = ObisCode(0, 0, 96, 7, 21)
PROFILE_STATUS = ObisCode(0, 0, 96, 10, 1)
EVENT_CODE = ObisCode(0, 0, 96, 11, 0)
ACTIVE_TARIFF = ObisCode(0, 0, 96, 14, 0)
PUSH_ON_ALARM = ObisCode(0, 4, 25, 9, 0)
PUSH_ON_POWER_DOWN = ObisCode(0, 5, 25, 9, 0)
ALARM_REGISTER = ObisCode(0, 0, 97, 98, 0)
ALARM_FILTER = ObisCode(0, 0, 97, 98, 10)
ALARM_DESCRIPTOR = ObisCode(0, 0, 97, 98, 20)
LOAD_PROFILE = ObisCode(1, 0, 99, 1, 0)
MONTHLY_BILLING = ObisCode(0, 0, 98, 1, 0)
DAILY_BILLING = ObisCode(1, 0, 98, 2, 0)
EVENT_LOG = ObisCode(0, 0, 99, 98, 0)

IMPORT_POWER = ObisCode(1, 0, 1, 7, 0)
IMPORT = ObisCode(1, 0, 1, 8, 0)
IMPORT_TARIFF_1 = ObisCode(1, 0, 1, 8, 1)
IMPORT_TARIFF_2 = ObisCode(1, 0, 1, 8, 2)
EXPORT = ObisCode(1, 0, 2, 8, 0)
DEMAND = ObisCode(1, 0, 1, 4, 0)
MAXIMUM_DEMAND = ObisCode(1, 0, 1, 6, 0)

_CLOCK_COLUMN = CaptureObjectDefinition(8, CLOCK, 2)


def own_setup(client_sap: int) -> ObisCode:
    """The SecuritySetup of a client with keys of its own."""
    return ObisCode(0, 0, 43, 0, client_sap)


def own_counter(client_sap: int) -> ObisCode:
    """The invocation counter of a client with keys of its own."""
    return ObisCode(0, 0, 43, 1, client_sap)


def _register(code: ObisCode) -> CaptureObjectDefinition:
    return CaptureObjectDefinition(3, code, 2)


LOAD_PROFILE_COLUMNS = (
    _CLOCK_COLUMN,
    CaptureObjectDefinition(1, PROFILE_STATUS, 2),
    _register(IMPORT),
    _register(EXPORT),
)
LOAD_PROFILE_LAYOUT = PackedLayout(
    (DataType.UNSIGNED, DataType.DOUBLE_LONG_UNSIGNED, DataType.DOUBLE_LONG_UNSIGNED),
)
DAILY_BILLING_COLUMNS = (
    _CLOCK_COLUMN,
    *(_register(code) for code in (IMPORT, IMPORT_TARIFF_1, IMPORT_TARIFF_2, EXPORT)),
)
DAILY_BILLING_LAYOUT = PackedLayout((DataType.DOUBLE_LONG_UNSIGNED,) * 4)
EVENT_LOG_COLUMNS = (_CLOCK_COLUMN, CaptureObjectDefinition(1, EVENT_CODE, 2))
EVENT_LOG_LAYOUT = PackedLayout((DataType.UNSIGNED,))
