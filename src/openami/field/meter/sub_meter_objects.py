"""A sub-meter's COSEM objects: MBusClient, the registers of its captured values, and their profile.

The instances follow the usual scheme 0-n:24.1.0, 0-n:24.2.e and 0-n:24.3.0, n being the channel and e the number of the
captured value. A key that is to be transferred goes to the sub-meter as it came, in a record "security key" (VIF FD
19): who makes it seals it for the sub-meter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from openami.field.meter import codes
from openami.field.meter.sub_meter import VALUES_MAX, BusTask, Pending, SubMeter
from openami.model.errors import LocalProtocolError
from openami.model.obis import ObisCode
from openami.model.unit import Unit
from openami.protocols.dlms.access_result import ActionResult, DataAccessResult
from openami.protocols.dlms.cosem.extended_register import ExtendedRegister
from openami.protocols.dlms.cosem.iec_local_port_setup import BaudRate
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.m_bus import (
    CaptureDefinitionElement,
    DataSendElement,
    MBusClient,
    MBusMasterPortSetup,
)
from openami.protocols.dlms.cosem.profile_buffer import LocalTime, RowBuffer, SortMethod
from openami.protocols.dlms.cosem.profile_generic import ProfileGeneric
from openami.protocols.dlms.cosem.refusal import ActionRefused, Refused
from openami.protocols.dlms.cosem.register import ScalUnitType
from openami.protocols.dlms.data import Data, DataType, double_long_unsigned, null, octet_string, unsigned
from openami.protocols.dlms.date_time import CosemDateTime
from openami.protocols.dlms.selective_access import CaptureObjectDefinition
from openami.protocols.mbus.dif import read_data_information
from openami.protocols.mbus.encode import number_record
from openami.protocols.mbus.wired.frame import DATA_MAX, PRIMARY_MAX
from openami.protocols.mbus.wireless.keys import KEY_SIZE

PORT: Final = ObisCode(0, 0, 24, 6, 0, 255)
SECURITY_KEY_HEADER: Final = b"\x0d\xfd\x19"
LVAR_16: Final = 0xF0
"""Length field of sixteen binary octets."""
ROWS_MAX: Final = 960
CHANNELS: Final = range(1, 5)
WRITABLE: Final = (MBusClient.capture_definition, MBusClient.capture_period, MBusClient.primary_address)
"""What a client that may set a sub-meter up writes; it may call every method too."""


def client_name(channel: int) -> ObisCode:
    """The MBusClient of a channel."""
    return ObisCode(0, channel, 24, 1, 0, 255)


def register_name(channel: int, number: int = 1) -> ObisCode:
    """The register of a captured value."""
    return ObisCode(0, channel, 24, 2, number, 255)


def profile_name(channel: int) -> ObisCode:
    """The profile of the captured values."""
    return ObisCode(0, channel, 24, 3, 0, 255)


def port_object() -> MBusMasterPortSetup:
    """The port that all channels are read by."""
    return MBusMasterPortSetup(PORT, comm_speed=BaudRate.BAUD_2400)


class SubMeterObjects:
    """The objects of one channel; `captured` keeps a row of its profile."""

    def __init__(self, sub_meter: SubMeter, local_time: LocalTime) -> None:
        self._sub_meter = sub_meter
        self._rows = RowBuffer(ROWS_MAX)
        self._local_time = local_time

    def __iter__(self) -> Iterator[InterfaceClass]:
        yield self._client()
        yield from (self._register(number) for number in range(1, VALUES_MAX + 1))
        yield self._profile()

    def captured(self, now: float) -> None:
        """Keep what was captured at `now`."""
        moment = octet_string(bytes(CosemDateTime.from_utc(now)))
        self._rows.append((moment, self._value(1), moment))

    def _client(self) -> InterfaceClass:
        client = MBusClient(client_name(self._sub_meter.channel))
        one = self._sub_meter
        readings: dict[Any, Callable[[], Any]] = {
            MBusClient.mbus_port_reference: lambda: PORT,
            MBusClient.identification_number: lambda: 0 if one.meter is None else int(one.meter.identification, 16),
            MBusClient.manufacturer_id: lambda: one.meter.manufacturer if one.meter else 0,
            MBusClient.slave_version: lambda: one.meter.version if one.meter else 0,
            MBusClient.device_type: lambda: one.meter.device_type if one.meter else 0,
            MBusClient.access_number: lambda: one.access_number,
            MBusClient.status: lambda: one.status,
            MBusClient.alarm: lambda: one.alarm,
            MBusClient.configuration: lambda: one.configuration,
            MBusClient.encryption_key_status: lambda: one.key_status,
        }
        for attribute, read in readings.items():
            client.bind(attribute, partial(_read, read))
        client.bind(MBusClient.capture_definition, lambda _: one.capture_definition, self._define)
        client.bind(MBusClient.capture_period, lambda _: one.capture_period_s, self._set_period)
        client.bind(MBusClient.primary_address, lambda _: one.primary_address, self._set_address)
        for method, handle in (
            (MBusClient.slave_install, self._install),
            (MBusClient.slave_deinstall, lambda _: one.deinstall()),
            (MBusClient.capture, lambda _: one.capture()),
            (MBusClient.reset_alarm, self._reset_alarm),
            (MBusClient.synchronize_clock, lambda _: self._ask(BusTask.SET_CLOCK)),
            (MBusClient.data_send, self._send),
            (MBusClient.set_encryption_key, self._set_key),
            (MBusClient.transfer_key, self._transfer_key),
        ):
            client.handle(method, partial(_handled, handle))
        return client

    def _register(self, number: int) -> InterfaceClass:
        one = self._sub_meter
        register = ExtendedRegister(register_name(one.channel, number))
        register.bind(ExtendedRegister.value, lambda _now: self._value(number))
        register.bind(ExtendedRegister.scaler_unit, lambda _now: self._scaler_unit(number))
        register.bind(ExtendedRegister.status, lambda _now: unsigned(one.status))
        register.bind(ExtendedRegister.capture_time, lambda _now: CosemDateTime.from_utc(one.read_at or 0.0))
        return register

    def _profile(self) -> InterfaceClass:
        one = self._sub_meter
        register = register_name(one.channel)
        columns = (
            CaptureObjectDefinition(8, codes.CLOCK, 2),
            CaptureObjectDefinition(4, register, 2),
            CaptureObjectDefinition(4, register, 5),
        )
        profile = ProfileGeneric(
            profile_name(one.channel),
            self._rows,
            self._local_time,
            capture_objects=columns,
            capture_period=0,
            sort_method=SortMethod.FIFO,
            sort_object=columns[0],
        )
        profile.bind(ProfileGeneric.capture_period, lambda _now: one.capture_period_s)
        return profile

    def _value(self, number: int) -> Data:
        value = self._sub_meter.value(number)
        if value is None:
            return null()
        if 0 <= value.mantissa < 1 << 32:
            return double_long_unsigned(value.mantissa)
        return Data(DataType.LONG64, value.mantissa)

    def _scaler_unit(self, number: int) -> ScalUnitType:
        value = self._sub_meter.value(number)
        if value is None or value.unit >= Unit.KILOGRAM_PER_HOUR:  # units of M-Bus alone have no number here
            return ScalUnitType(0, Unit.COUNT) if value is None else ScalUnitType(value.scaler, Unit.OTHER)
        return ScalUnitType(value.scaler, value.unit)

    def _define(self, wanted: tuple[CaptureDefinitionElement, ...], _now: float) -> None:
        if len(wanted) > VALUES_MAX:
            raise Refused(DataAccessResult.OTHER_REASON)
        self._sub_meter.capture_definition, self._sub_meter.values = tuple(wanted), ()
        self._sub_meter.capture()

    def _set_period(self, period_s: int, _now: float) -> None:
        self._sub_meter.capture_period_s = period_s
        self._sub_meter.capture()

    def _set_address(self, address: int, _now: float) -> None:
        if address > PRIMARY_MAX:
            raise Refused(DataAccessResult.OTHER_REASON)
        self._sub_meter.primary_address = address
        self._sub_meter.capture()

    def _install(self, address: int) -> None:
        if self._sub_meter.meter is not None or not 0 < address <= PRIMARY_MAX:
            raise ActionRefused(ActionResult.OTHER_REASON)
        self._sub_meter.install(address)

    def _reset_alarm(self, _argument: int) -> None:
        self._sub_meter.alarm = 0

    def _send(self, elements: tuple[DataSendElement, ...]) -> None:
        try:
            records = b"".join(map(_record, elements))
        except (TypeError, ValueError, LookupError, LocalProtocolError):
            raise ActionRefused(ActionResult.TYPE_UNMATCHED) from None
        if not 0 < len(records) <= DATA_MAX:
            raise ActionRefused(ActionResult.OTHER_REASON)
        self._ask(BusTask.SEND, records)

    def _set_key(self, key: bytes) -> None:
        if len(key) not in {0, KEY_SIZE}:
            raise ActionRefused(ActionResult.TYPE_UNMATCHED)
        self._sub_meter.set_key(key)

    def _transfer_key(self, key: bytes) -> None:
        if len(key) != KEY_SIZE:
            raise ActionRefused(ActionResult.TYPE_UNMATCHED)
        self._ask(BusTask.TRANSFER_KEY, SECURITY_KEY_HEADER + bytes((LVAR_16,)) + key)

    def _ask(self, task: BusTask, data: bytes = b"") -> None:
        if not self._sub_meter.primary_address:
            raise ActionRefused(ActionResult.OTHER_REASON)
        self._sub_meter.pending.append(Pending(task, self._sub_meter.primary_address, data))


def _read(read: Callable[[], Any], _now: float) -> Any:
    return read()


def _handled(handle: Callable[[Any], None], argument: Any, _now: float) -> None:
    handle(argument)


def _record(element: DataSendElement) -> bytes:
    """One record: octets stand as they are, a number becomes what the data information block says."""
    header = element.data_information_block + element.value_information_block
    value = element.data.value
    if not isinstance(value, int):
        return header + bytes(value)
    information = read_data_information(element.data_information_block)
    return number_record(element.value_information_block, value, information)
