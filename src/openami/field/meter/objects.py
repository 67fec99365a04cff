"""The COSEM objects of an electricity meter, each reading the meter itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from typing import TYPE_CHECKING, NamedTuple

from openami.field.meter import codes, instantaneous
from openami.field.meter.access import SERVER_SAP
from openami.field.meter.action_schedules import SCHEDULES, schedule_object
from openami.field.meter.alarms import ALARM_OBJECTS
from openami.field.meter.calendar_objects import activity_calendar_object, special_days_object
from openami.field.meter.clock_object import clock_object
from openami.field.meter.compact_capture import compact_data_object
from openami.field.meter.demand import demand_object, maximum_demand_object
from openami.field.meter.disconnect_object import disconnect_object
from openami.field.meter.image_object import image_transfer_object
from openami.field.meter.limiter_object import limiter_object
from openami.field.meter.monthly_billing import monthly_billing_object
from openami.field.meter.object_table import Make, ObjectTable
from openami.field.meter.profile_objects import profile_objects
from openami.field.meter.push_objects import push_objects
from openami.field.meter.register_monitor import register_monitor_object
from openami.field.meter.scripts import SCRIPT_TABLES, script_table_object
from openami.field.meter.security_object import security_object
from openami.field.meter.sub_meter_objects import port_object
from openami.field.meter.tariff import register_activation_object
from openami.model.obis import ObisCode
from openami.model.unit import Unit
from openami.protocols.dlms.acse import ApplicationContextName
from openami.protocols.dlms.cosem import data as cosem_data
from openami.protocols.dlms.cosem.association_ln import AssociatedPartners, AssociationLN, AssociationStatus
from openami.protocols.dlms.cosem.attribute import Source
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.logical_device import CURRENT_ASSOCIATION, ClientAccess, LogicalDevice
from openami.protocols.dlms.cosem.register import Register, ScalUnitType
from openami.protocols.dlms.cosem.sap_assignment import SAPAssignment, SAPAssignmentElement
from openami.protocols.dlms.data import Data, DataType

if TYPE_CHECKING:
    from openami.field.meter.electricity import ElectricityMeter

Read = Callable[["ElectricityMeter", float], int]


class Measured(NamedTuple):
    """A register: where it is, how its value goes on the wire, and how it is read."""

    code: ObisCode
    type: DataType
    scaler_unit: ScalUnitType
    read: Read


_ENERGY = ScalUnitType(0, Unit.WATT_HOUR)
_REACTIVE_ENERGY = ScalUnitType(0, Unit.VAR_HOUR)
_VOLTAGE = ScalUnitType(-1, Unit.VOLT)
_CURRENT = ScalUnitType(-3, Unit.AMPERE)


def _energy(c: int, read: Read, *, tariff: int = 0, reactive: bool = False) -> Measured:
    scaler_unit = _REACTIVE_ENERGY if reactive else _ENERGY
    return Measured(ObisCode(1, 0, c, 8, tariff), DataType.DOUBLE_LONG_UNSIGNED, scaler_unit, read)


def _now(c: int, kind: DataType, scaler: int, unit: Unit, read: Read) -> Measured:
    return Measured(ObisCode(1, 0, c, 7, 0), kind, ScalUnitType(scaler, unit), read)


def _zero(_meter: ElectricityMeter, _now: float) -> int:
    """The quadrants in which a load of this kind never is."""
    return 0


_ENERGIES = (
    _energy(1, lambda meter, _: meter.energy.import_wh),
    _energy(1, lambda meter, _: meter.energy.tariff_wh[0], tariff=1),
    _energy(1, lambda meter, _: meter.energy.tariff_wh[1], tariff=2),
    _energy(2, lambda meter, _: meter.energy.export_wh),
    _energy(3, lambda meter, _: meter.energy.reactive_varh, reactive=True),
    _energy(4, _zero, reactive=True),
    _energy(5, lambda meter, _: meter.energy.reactive_varh, reactive=True),
    *(_energy(c, _zero, reactive=True) for c in (6, 7, 8)),
)
_POWERS = (
    _now(1, DataType.DOUBLE_LONG_UNSIGNED, 0, Unit.WATT, lambda meter, now: instantaneous.power_w(meter, now)[0]),
    _now(2, DataType.DOUBLE_LONG_UNSIGNED, 0, Unit.WATT, lambda meter, now: instantaneous.power_w(meter, now)[1]),
    _now(3, DataType.DOUBLE_LONG_UNSIGNED, 0, Unit.VAR, instantaneous.reactive_power_var),
    _now(13, DataType.LONG_UNSIGNED, -3, Unit.COUNT, instantaneous.power_factor_permille),
    _now(14, DataType.LONG_UNSIGNED, -3, Unit.HERTZ, lambda _meter, _at: instantaneous.FREQUENCY_MILLIHERTZ),
)


@lru_cache(maxsize=2)
def measured(phases: int) -> tuple[Measured, ...]:
    """The registers of a meter with one or three phases, the same for all such meters."""
    table = list(_ENERGIES + _POWERS)
    for phase in range(phases):
        voltage = partial(_phase, instantaneous.voltage_dv, phase)
        current = partial(_phase, instantaneous.current_ma, phase)
        voltage_code, current_code = ObisCode(1, 0, 32 + 20 * phase, 7, 0), ObisCode(1, 0, 31 + 20 * phase, 7, 0)
        table.append(Measured(voltage_code, DataType.LONG_UNSIGNED, _VOLTAGE, voltage))
        table.append(Measured(current_code, DataType.DOUBLE_LONG_UNSIGNED, _CURRENT, current))
    return tuple(table)


def make_device(meter: ElectricityMeter) -> LogicalDevice:
    """The management logical device of `meter`, with an association object for each client."""
    objects = [
        *_registers(meter),
        *_identification(meter),
        *_security(meter),
        *profile_objects(meter),
        *push_objects(meter),
        clock_object(meter),
        disconnect_object(meter),
        *((port_object(),) if meter.sub_meters else ()),
        *(shown for one in meter.sub_meter_objects.values() for shown in one),
    ]
    clients = {sap: ClientAccess(one.rights, _association(meter, sap)) for sap, one in meter.clients.items()}
    return LogicalDevice(ObjectTable(meter, objects, _setups(meter)), clients)


def _shared_setup(meter: ElectricityMeter) -> InterfaceClass:
    return security_object(meter.security.shared, meter)


def _firmware(meter: ElectricityMeter) -> InterfaceClass:
    """Which firmware the meter runs."""
    return cosem_data.Data(codes.FIRMWARE, value=Data(DataType.OCTET_STRING, meter.firmware.identification))


def _firmware_signature(meter: ElectricityMeter) -> InterfaceClass:
    """The digest that stands for every octet of it."""
    return cosem_data.Data(codes.FIRMWARE_SIGNATURE, value=Data(DataType.OCTET_STRING, meter.firmware.digest))


MAKERS: Mapping[ObisCode, Make] = {
    codes.SECURITY_SETUP: _shared_setup,
    codes.FIRMWARE: _firmware,
    codes.FIRMWARE_SIGNATURE: _firmware_signature,
    codes.IMAGE_TRANSFER: image_transfer_object,
    codes.ACTIVITY_CALENDAR: activity_calendar_object,
    codes.SPECIAL_DAYS: special_days_object,
    codes.REGISTER_ACTIVATION: register_activation_object,
    codes.LIMITER: limiter_object,
    codes.COMPACT_DATA: compact_data_object,
    **ALARM_OBJECTS,
    codes.DEMAND: demand_object,
    codes.MAXIMUM_DEMAND: maximum_demand_object,
    codes.MONTHLY_BILLING: monthly_billing_object,
    **{code: partial(script_table_object, code) for code in SCRIPT_TABLES},
    **{code: partial(register_monitor_object, code) for code in codes.REGISTER_MONITORS},
    **{code: partial(schedule_object, code) for code in SCHEDULES},
}
"""What is made when it is asked for."""


def _registers(meter: ElectricityMeter) -> Iterator[InterfaceClass]:
    for one in measured(meter.config.phases):
        yield Register(one.code, value=Source(partial(_read, meter, one)), scaler_unit=one.scaler_unit)


def _identification(meter: ElectricityMeter) -> Iterator[InterfaceClass]:
    config = meter.config
    name = config.logical_device_name
    yield SAPAssignment(codes.SAP_ASSIGNMENT, sap_assignment_list=(SAPAssignmentElement(SERVER_SAP, name),))
    for code, octets in (
        (codes.LOGICAL_DEVICE_NAME, name),
        (codes.SERIAL, config.serial.encode("ascii")),
    ):
        yield cosem_data.Data(code, value=Data(DataType.OCTET_STRING, octets))
    for code, kind, read in (
        (codes.PROFILE_STATUS, DataType.UNSIGNED, lambda _now: int(meter.status)),
        (codes.EVENT_CODE, DataType.UNSIGNED, lambda _now: meter.last_event),
        (codes.ACTIVE_TARIFF, DataType.UNSIGNED, lambda _now: meter.tariff),
        (codes.POWER_FAILURES, DataType.LONG_UNSIGNED, lambda _now: min(meter.power_failures, 0xFFFF)),
    ):
        yield cosem_data.Data(code, value=Source(partial(_typed, kind, read)))


def _security(meter: ElectricityMeter) -> Iterator[InterfaceClass]:
    """The invocation counters of the SecuritySetup objects whose client is known."""
    titles = {codes.INVOCATION_COUNTER: meter.config.client_system_title}
    titles |= {codes.own_counter(sap): role.client_system_title for sap, role in meter.config.roles.items()}
    for code, title in titles.items():
        if title is not None:
            yield cosem_data.Data(code, value=Source(partial(_invocation_counter, meter, code, title)))


def _setups(meter: ElectricityMeter) -> Mapping[ObisCode, Make]:
    """Makers of the SecuritySetup objects: the shared one, and those of clients with keys of their own."""
    if not meter.config.roles:
        return MAKERS
    return {**MAKERS, **{state.name: partial(security_object, state) for state in meter.security}}


def _invocation_counter(meter: ElectricityMeter, code: ObisCode, title: bytes, _now: float) -> Data:
    """The last number that a client's sealed message had: the highest of the clients that share the keys."""
    last = -1
    for sap, client in meter.clients.items():
        own = codes.own_counter(sap) if sap in meter.config.roles else codes.INVOCATION_COUNTER
        if client.authentication.high and own == code:
            key = meter.security.of(sap).used.global_unicast_encryption_key
            last = max(last, meter.server_state.window(sap, title, key).last)
    return Data(DataType.DOUBLE_LONG_UNSIGNED, max(last, 0))


def _association(meter: ElectricityMeter, client_sap: int) -> AssociationLN:
    authentication = meter.clients[client_sap].authentication
    context = (
        ApplicationContextName.LOGICAL_NAME_REFERENCING_WITH_CIPHERING
        if authentication.high
        else ApplicationContextName.LOGICAL_NAME_REFERENCING_NO_CIPHERING
    )
    return AssociationLN(
        CURRENT_ASSOCIATION,
        associated_partners_id=AssociatedPartners(client_sap, SERVER_SAP),
        application_context_name=Data(DataType.OCTET_STRING, _CONTEXT_PREFIX + bytes((int(context),))),
        authentication_mechanism_name=Data(DataType.OCTET_STRING, _MECHANISM_PREFIX + bytes((int(authentication),))),
        association_status=AssociationStatus.ASSOCIATED,
        security_setup_reference=meter.security.of(client_sap).name,
    )


_CONTEXT_PREFIX = bytes.fromhex("608574050801")
_MECHANISM_PREFIX = bytes.fromhex("608574050802")


def _phase(read: Callable[[ElectricityMeter, int, float], int], phase: int, meter: ElectricityMeter, now: float) -> int:
    return read(meter, phase, now)


def _read(meter: ElectricityMeter, one: Measured, now: float) -> Data:
    return Data(one.type, one.read(meter, now))


def _typed(kind: DataType, read: Callable[[float], int], now: float) -> Data:
    return Data(kind, read(now))
