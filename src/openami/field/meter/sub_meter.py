"""A meter on the electricity meter's wired M-Bus, as its COSEM objects show it: MBusClient and its register.

Instances follow the usual scheme 0-n:24.1.0 and 0-n:24.2.1, n being the channel. The register holds the first of
energy, volume or heat cost allocation units that the sub-meter tells without storage and tariff.
"""

from __future__ import annotations

from collections.abc import Sequence

from openami.model.obis import ObisCode
from openami.model.quantity import Quantity
from openami.model.unit import Unit
from openami.protocols.dlms.cosem.extended_register import ExtendedRegister
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.m_bus import MBusClient0
from openami.protocols.dlms.cosem.register import ScalUnitType
from openami.protocols.dlms.data import Data, double_long_unsigned, null, unsigned
from openami.protocols.dlms.date_time import CosemDateTime
from openami.protocols.mbus.application import Application
from openami.protocols.mbus.dif import Function
from openami.protocols.mbus.records import Record
from openami.protocols.mbus.wireless.address import MeterAddress

MAIN = ("energy", "volume", "heat cost allocation units")
PORT = ObisCode(0, 0, 24, 6, 0, 255)


class SubMeter:
    """One channel. Nothing is known of the sub-meter before it was read: numbers are 0 and the value is null."""

    def __init__(self, channel: int, primary_address: int) -> None:
        self.channel = channel
        self.primary_address = primary_address
        self.meter: MeterAddress | None = None
        self.access_number = 0
        self.status = 0
        self.value: Quantity | None = None
        self.read_at: float | None = None

    def take(self, applications: Sequence[Application], now: float) -> None:
        """What the sub-meter said when it was read at `now` (UTC seconds)."""
        for application in applications:
            if application.address is not None:
                self.meter = application.address
                self.access_number, self.status = application.access_number or 0, application.status
            for record in application.records or ():
                if _is_main(record) and isinstance(record.value, Quantity):
                    self.value, self.read_at = record.value, now
                    return

    def objects(self) -> list[InterfaceClass]:
        """MBusClient and ExtendedRegister of this channel."""
        client = MBusClient0(ObisCode(0, self.channel, 24, 1, 0, 255))
        client.bind(MBusClient0.mbus_port_reference, lambda _now: PORT)
        client.bind(MBusClient0.capture_definition, lambda _now: ())
        client.bind(MBusClient0.capture_period, lambda _now: 0)
        client.bind(MBusClient0.primary_address, lambda _now: self.primary_address)
        client.bind(MBusClient0.identification_number, lambda _now: self._number())
        client.bind(MBusClient0.manufacturer_id, lambda _now: self.meter.manufacturer if self.meter else 0)
        client.bind(MBusClient0.slave_version, lambda _now: self.meter.version if self.meter else 0)
        client.bind(MBusClient0.device_type, lambda _now: self.meter.device_type if self.meter else 0)
        client.bind(MBusClient0.access_number, lambda _now: self.access_number)
        client.bind(MBusClient0.status, lambda _now: self.status)
        client.bind(MBusClient0.alarm, lambda _now: 0)
        register = ExtendedRegister(ObisCode(0, self.channel, 24, 2, 1, 255))
        register.bind(ExtendedRegister.value, lambda _now: self._value())
        register.bind(ExtendedRegister.scaler_unit, lambda _now: self._scaler_unit())
        register.bind(ExtendedRegister.status, lambda _now: unsigned(self.status))
        register.bind(ExtendedRegister.capture_time, lambda _now: CosemDateTime.from_utc(self.read_at or 0.0))
        return [client, register]

    def _number(self) -> int:
        return 0 if self.meter is None else int(self.meter.identification, 16)

    def _value(self) -> Data:
        return null() if self.value is None else double_long_unsigned(self.value.mantissa)

    def _scaler_unit(self) -> ScalUnitType:
        return ScalUnitType(0, Unit.COUNT) if self.value is None else ScalUnitType(self.value.scaler, self.value.unit)


def _is_main(record: Record) -> bool:
    plain = record.function is Function.INSTANTANEOUS and not (record.storage or record.tariff or record.subunit)
    return plain and record.quantity in MAIN and not record.modifiers
