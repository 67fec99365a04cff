"""What a primary has set in a meter on a wired M-Bus, and what the meter tells from then on.

Settings that a meter takes: primary address, identification number or whole secondary address, clock, set date. An
application reset chooses which of its data are told, records without data (DIF 08) choose single ones; both last until
the next reset. What it does not do it acknowledges and refuses in its next answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime

from openami.field.meter.pipe_meter import SET_DATE, PipeMeter
from openami.model.errors import DecodeError
from openami.model.quantity import Quantity
from openami.protocols.mbus.application import (
    NO_FUNCTION,
    PARAMETER_ERROR,
    PREMATURE_END,
    UNIMPLEMENTED_CI,
    Application,
    Content,
    decode_application,
)
from openami.protocols.mbus.dif import DataField, Function
from openami.protocols.mbus.encode import telegrams
from openami.protocols.mbus.meter_time import MeterTime
from openami.protocols.mbus.records import Record, decode_records
from openami.protocols.mbus.selected_application import (
    ALL,
    INSTALLATION,
    INSTANTANEOUS_VALUES,
    SIMPLE_BILLING,
    STATIC_CONTENT,
    USER_DATA,
    SelectedApplication,
)
from openami.protocols.mbus.wired.frame import PRIMARY_MAX
from openami.protocols.mbus.wired.secondary import WiredSecondary
from openami.protocols.mbus.wireless.address import ADDRESS_SIZE, MeterAddress

ERROR_CI, ALARM_CI, SELECTED_CI = 0x70, 0x71, 0x66
STATUS_ALARM = 0x03
"""Application status: an abnormal condition or an alarm."""
IDENTIFICATION_HEADER, SECONDARY_ADDRESS_HEADER = b"\x0c\x79", b"\x07\x79"
ANY_VIF = b"\x7e"
REGISTERS = ("energy", "volume", "heat cost allocation units")
CLOCKS = ("date", "date and time")
INSTANTANEOUS = ("volume flow", "power", "flow temperature", "return temperature")
STATIC = ("fabrication number",)

Wanted = Callable[[Record], bool]
TOLD: Mapping[int, Wanted] = {
    ALL: lambda _record: True,
    USER_DATA: lambda record: record.storage == 0 and record.quantity in REGISTERS + CLOCKS,
    SIMPLE_BILLING: lambda record: record.quantity in REGISTERS + CLOCKS,
    INSTANTANEOUS_VALUES: lambda record: record.quantity in INSTANTANEOUS,
    STATIC_CONTENT: lambda record: record.quantity in STATIC,
    INSTALLATION: lambda record: record.storage == 0 and record.quantity in STATIC + CLOCKS,
}
"""What each application tells that these meters know."""


class WiredSettings:
    """The settings of `meter`, whose station on the bus is `core`. They last as long as this object."""

    def __init__(self, meter: PipeMeter, core: WiredSecondary) -> None:
        self._meter = meter
        self._core = core
        self._selected = SelectedApplication()
        self._wanted: Wanted = TOLD[ALL]
        self._instead: tuple[int, bytes] | None = None

    def receive(self, ci: int, data: bytes, now: float) -> None:
        """Do what a frame asks for; `now` is UTC seconds."""
        self._instead = None
        try:
            application = decode_application(ci, data)
        except DecodeError:
            self._refuse(PREMATURE_END if ci in {0x51, 0x5A, 0x5B} else UNIMPLEMENTED_CI)
            return
        if application.content is Content.RESET:
            self._select(application.selected or SelectedApplication())
        elif application.content is Content.APPLICATION_REQUEST:
            self._instead = SELECTED_CI, bytes(self._selected)
        elif application.content is Content.DATA_SEND:
            self._write(application, now)
        elif application.content not in {Content.BAUD_RATE, Content.SYNCHRONISE}:
            self._refuse(UNIMPLEMENTED_CI)

    def answer(self, now: float, *, alarm: bool) -> list[tuple[int, bytes]]:
        """CI field and data of the telegrams that answer a request at `now`; none if there is no alarm to tell."""
        meter = self._meter
        if alarm:
            return [(ALARM_CI, bytes((meter.alarms,)))] if meter.alarms else []
        instead, self._instead = self._instead, None
        if instead is not None:
            return [instead]
        records = [raw for raw in meter.records(now) if self._wanted(decode_records(raw).records[0])]
        status = STATUS_ALARM if meter.alarms else 0
        made = telegrams(self._core.meter, meter.access_number, status, records)
        meter.access_number = (meter.access_number + len(made)) & 0xFF
        return made

    def _refuse(self, code: int) -> None:
        self._instead = ERROR_CI, bytes((code,))

    def _select(self, selected: SelectedApplication) -> None:
        if selected.application not in TOLD or selected.block:
            self._refuse(NO_FUNCTION)
            return
        self._selected, self._wanted = selected, TOLD[selected.application]

    def _write(self, application: Application, now: float) -> None:
        """Take the settings one after the other up to the first that is refused."""
        records = application.records
        if records is None or records.global_readout:
            self._wanted = TOLD[ALL]
            return
        chosen = [one for one in records if one.layout.data.data_field is DataField.SELECTION]
        if chosen:
            self._wanted = _any_of(chosen)
        for record in records:
            if record in chosen:
                continue
            taken = self._set(record, now)
            if taken is not None:
                self._refuse(taken)
                return

    def _set(self, record: Record, now: float) -> int | None:
        """Take one setting; the error if it is none that this meter has, or a value that it cannot have."""
        value, core = record.value, self._core
        if record.quantity == "address" and isinstance(value, Quantity):
            if value.value not in range(PRIMARY_MAX + 1):
                return PARAMETER_ERROR
            core.address = int(value.value)
        elif record.layout.header == IDENTIFICATION_HEADER and isinstance(value, str):
            if not value.isdecimal():
                return PARAMETER_ERROR
            core.meter = MeterAddress(core.meter.manufacturer, value, core.meter.version, core.meter.device_type)
        elif record.layout.header == SECONDARY_ADDRESS_HEADER and len(record.raw) == ADDRESS_SIZE:
            core.meter = MeterAddress.from_transport(record.raw)
        elif record.quantity in CLOCKS and isinstance(value, MeterTime):
            return self._set_time(record, value.moment, now)
        else:
            return NO_FUNCTION
        return None

    def _set_time(self, record: Record, moment: object, now: float) -> int | None:
        if isinstance(moment, datetime) and record.storage == 0:
            return None if self._meter.set_clock(moment, now) else PARAMETER_ERROR
        if isinstance(moment, date) and not isinstance(moment, datetime) and record.storage == SET_DATE:
            self._meter.set_date = moment.month, moment.day
        else:
            return PARAMETER_ERROR
        return None


def _any_of(chosen: Iterable[Record]) -> Wanted:
    pairs = [(_place(one), one.layout.vif) for one in chosen]
    return lambda record: any(_place(record) == place and vif in {record.layout.vif, ANY_VIF} for place, vif in pairs)


def _place(record: Record) -> tuple[Function, int, int, int]:
    return record.function, record.storage, record.tariff, record.subunit
