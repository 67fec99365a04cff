"""An electricity meter: it measures a load curve, remembers, and lives by the time that it is given.

All times are true UTC seconds, given by the caller; nothing here reads a clock. The same configuration, curve and
calls give the same bytes, always.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from openami.field.meter.access import CLIENTS, SERVER_SAP, Client, clients_of
from openami.field.meter.action_schedules import ActionSchedules
from openami.field.meter.agenda import NEVER, Agenda
from openami.field.meter.alarms import Alarms
from openami.field.meter.codes import (
    DAILY_BILLING_LAYOUT,
    EVENT_LOG_LAYOUT,
    LOAD_PROFILE_LAYOUT,
    PUSH_ON_ALARM,
    PUSH_ON_POWER_DOWN,
)
from openami.field.meter.compact_capture import CompactCapture
from openami.field.meter.config import PERIODS_S, MeterConfig
from openami.field.meter.curve import LoadCurve
from openami.field.meter.demand import Demand
from openami.field.meter.disconnector import Disconnector, event_of
from openami.field.meter.energy import EnergyRegisters
from openami.field.meter.firmware import FACTORY_FIRMWARE
from openami.field.meter.image_memory import ImageMemory
from openami.field.meter.limiter import Limiter
from openami.field.meter.meter_clock import MeterClock
from openami.field.meter.objects import make_device
from openami.field.meter.profile_status import ProfileStatus
from openami.field.meter.push_queue import PushQueue, random_of
from openami.field.meter.register_monitor import NO_WATCHES, Watch
from openami.field.meter.security import Associations, MeterSecurity
from openami.field.meter.security_record import MemoryRecords, Records
from openami.field.meter.served import ServedDevice
from openami.field.meter.sub_meter import SubMeter
from openami.field.meter.sub_meter_objects import SubMeterObjects
from openami.field.meter.tariff import TariffRegisters
from openami.field.meter.tariff_calendar import TariffCalendar, two_tariffs
from openami.model.errors import SettingError
from openami.model.event import EventCode
from openami.model.interval import DAY_S
from openami.model.obis import ObisCode
from openami.protocols.dlms.association import Association
from openami.protocols.dlms.cosem.disconnect_control import Transition
from openami.protocols.dlms.cosem.logical_device import AssociationView
from openami.protocols.dlms.cosem.packed_buffer import PackedBuffer
from openami.protocols.dlms.cosem.profile_buffer import RowBuffer
from openami.protocols.dlms.counters import Counters, MemoryCounters
from openami.protocols.dlms.server_settings import ServerSettings, ServerState

GRID_S = 1800
_GOOD = ProfileStatus(0)


class ElectricityMeter(ServedDevice):
    """Call `advance` as time goes on; ask `device` for its objects; take `next_push` to the network.

    `counters` keeps invocation counters; it must be durable where the keys outlive the process. `random` gives the
    bytes of random delays; without it they follow from the system title, and the meter makes no keys. `records` keeps
    what its SecuritySetup objects hold, as durably as `counters`. `label` says what the values are worth: only
    energy and power come from the curve, the rest is derived and synthetic.
    """

    known_clients: ClassVar[Mapping[int, Client]] = CLIENTS

    def __init__(
        self,
        config: MeterConfig,
        curve: LoadCurve,
        start: float,
        counters: Counters | None = None,
        random: Callable[[int], bytes] | None = None,
        records: Records | None = None,
    ) -> None:
        self.config = config
        self.clients = clients_of(self.known_clients, config)
        self.records = MemoryRecords() if records is None else records
        self.key_random = random
        self.curve = curve
        self.counters = MemoryCounters() if counters is None else counters
        self.clock = MeterClock(
            start,
            drift_ppm=config.drift_ppm,
            error_s=config.clock_error_s,
            time_zone=config.time_zone,
            daylight_saving=config.daylight_saving,
        )
        if not self.clock.fits(start + config.clock_error_s):
            raise SettingError(f"a meter cannot start at {start} s after 1970: its clock shows years 2000 to 2099")
        totals = config.import_wh, config.export_wh
        self.energy: EnergyRegisters = EnergyRegisters(curve, start, *totals, config.power_factor_permille)
        self.disconnector = Disconnector(config.control_mode)
        self.load_profile = PackedBuffer(config.profile_entries, LOAD_PROFILE_LAYOUT)
        self.daily_billing = PackedBuffer(config.billing_entries, DAILY_BILLING_LAYOUT)
        self.event_log = PackedBuffer(config.event_entries, EVENT_LOG_LAYOUT)
        self.capture_period_s = config.capture_period_s
        self.power_failures = 0
        self.last_event = 0
        self.status = _GOOD
        self.powered = True
        self.now = start
        self._edge_s = 0
        self._plan(first=True)
        self.agenda = Agenda()
        self.firmware = FACTORY_FIRMWARE
        self.image = ImageMemory(self)
        self.tariffs = TariffRegisters()
        self.calendar = TariffCalendar(self, two_tariffs(config.tariff_2_hours))
        self.schedules = ActionSchedules(self)
        self.limiter = Limiter(self)
        self.alarms = Alarms()
        self.alarm_listeners: list[Callable[[float], None]] = []
        self.compact = CompactCapture(self)
        self.watches: Mapping[ObisCode, Watch] = NO_WATCHES
        self.demand = Demand(self, self.clock.reading(start))
        self.monthly_billing = RowBuffer(config.monthly_entries)
        self.server_state = ServerState(config.system_title, self.counters)
        self.security = MeterSecurity(self)
        self.asking: Association | None = None
        self.sub_meters = tuple(SubMeter(*channel) for channel in enumerate(config.sub_meters, 1))
        time = self.clock.utc_seconds
        self.sub_meter_objects = {one.channel: SubMeterObjects(one, time) for one in self.sub_meters}
        self.device = make_device(self)
        self.pushes = PushQueue(self, random or random_of(config.system_title))
        for function in (self.calendar, self.demand, self.schedules, self.image, self.limiter, self.pushes):
            self.agenda.add(function)
        self.agenda.plan(self.clock.reading(start))

    @property
    def label(self) -> str:
        """What the meter's values are: real, replayed or synthetic, and from where."""
        return f"{self.curve.label}; voltage, current, power factor and reactive energy: synthetic"

    def server_settings(self) -> ServerSettings:
        """How the meter's server is to be set up; `server_state` is what its links share."""
        return ServerSettings(self.config.system_title, {SERVER_SAP: self}, Associations(self, self.clients))

    def asked_by(self, association: AssociationView) -> None:
        """The client of `association` asks next."""
        self.asking = association if isinstance(association, Association) else None
        if self.asking is not None:
            self.security.proven(self.asking)

    def advance(self, now: float) -> None:
        """Live until `now`; times in the past change nothing. Without supply no function acts."""
        while True:
            due = self.agenda.due if self.powered else NEVER
            at = max(self.now, self.clock.true_time(min(due, self._edge_s)))
            if at > now:
                break
            self._flow(at)
            if self._edge_s <= due:
                self._pass_edge(self._edge_s)
                self._edge_s += self._step()
            else:
                self.agenda.act(max(due, self.clock.reading(at)))
        self._flow(now)

    def next_push(self) -> bytes | None:
        """The next pushed APDU, a general-glo-ciphered DataNotification, or `None`."""
        return self.pushes.next()

    def power_fail(self, now: float) -> None:
        """The supply is interrupted: the last push goes out, then the meter is silent."""
        self.advance(now)
        if not self.powered:
            return
        self.power_failures += 1
        self.log(EventCode.POWER_DOWN, now)
        self.log(EventCode.LAST_GASP, now)
        self.push(PUSH_ON_POWER_DOWN, now)
        self.powered = False

    def power_restore(self, now: float) -> None:
        """The supply is back. What was not captured meanwhile stays missing; the next row says why."""
        self.advance(now)
        if self.powered:
            return
        self.powered = True
        self.status |= ProfileStatus.POWER_DOWN
        self.alarm(EventCode.POWER_UP, now)
        self.advance(now)

    def alarm(self, code: EventCode, now: float) -> None:
        """Something happened to the meter (cover opened …): log it; push it unless the alarm filter holds it back."""
        self.advance(now)
        self.log(code, now)
        if self.powered and self.alarms.rise(code):
            self.push(PUSH_ON_ALARM, now)
            for listener in tuple(self.alarm_listeners):
                listener(now)

    def log(self, code: EventCode, now: float) -> None:
        """Write an event to the event log. A meter without supply logs nothing."""
        if self.powered:
            self.last_event = int(code)
            self.event_log.append(self.clock.stamp(int(self.clock.reading(now))), int(code))

    def push(self, setup: ObisCode, now: float) -> None:
        """Send what a push setup says, if the meter has supply."""
        if self.powered:
            self.pushes.add(setup, now)

    def set_clock(self, meter_time: float, now: float) -> None:
        """Show another time from `now` on; raises `SettingError` for times that no stamp can hold."""
        if not self.clock.fits(meter_time):
            raise SettingError(f"{meter_time} s after 1970: the clock shows years 2000 to 2099")
        self.advance(now)
        self.clock.set(meter_time, now)
        self.agenda.plan(meter_time)
        self.status |= ProfileStatus.CLOCK_ADJUSTED
        self.log(EventCode.CLOCK_ADJUSTED, now)
        self._plan()

    def set_capture_period(self, period_s: int, now: float) -> None:
        """Capture the load profile every `period_s` from now on; raises `SettingError` for odd periods."""
        if period_s not in PERIODS_S:
            raise SettingError(f"capture period {period_s} s must be one of {PERIODS_S}")
        self.advance(now)
        self.capture_period_s = period_s
        self._plan()

    def switch(self, transition: Transition, now: float) -> bool:
        """Ask the disconnector; true if it did so, or had done so before."""
        self.advance(now)
        before = self.disconnector.connected
        done = self.disconnector.ask(transition)
        if self.disconnector.connected is not before:
            self.log(event_of(transition), now)
        return done

    def capture(self, meter_second: int) -> None:
        """Take a row of the load profile, stamped `meter_second`."""
        energy = self.energy
        self.load_profile.append(self.clock.stamp(meter_second), int(self.status), energy.import_wh, energy.export_wh)
        self.status = ProfileStatus.CLOCK_INVALID if self.clock.invalid else _GOOD

    def capture_billing(self, meter_second: int) -> None:
        """Take a row of the daily billing profile, stamped `meter_second`."""
        energy = self.energy
        row = energy.import_wh, *energy.tariff_wh, energy.export_wh
        self.daily_billing.append(self.clock.stamp(meter_second), *row)

    @property
    def tariff(self) -> int:
        """The active tariff, 1 or 2; 0 while the active mask lets no rate register count."""
        return min(self.tariffs.counting, default=-1) + 1

    def _flow(self, until: float) -> None:
        if until <= self.now:
            return
        if self.powered and self.disconnector.connected:
            self.energy.count(self.curve, until, self.tariffs.counting)
        else:
            self.energy.skip(self.curve, until)
        self.now = until

    def _pass_edge(self, second: int) -> None:
        """The meter's clock has come to `second`, where rows may be due."""
        if not self.powered:
            return
        if self.capture_period_s and second % self.capture_period_s == 0:
            self.capture(second)
        if (second - 60 * self.clock.deviation(second)) % DAY_S == 0:
            self.capture_billing(second)

    def _step(self) -> int:
        return min(self.capture_period_s or GRID_S, GRID_S)

    def _plan(self, *, first: bool = False) -> None:
        """Find the next edge after the present moment; at the start, the present moment may be one."""
        reading, step = self.clock.reading(self.now), self._step()
        self._edge_s = int(-(-reading // step) if first else reading // step + 1) * step
