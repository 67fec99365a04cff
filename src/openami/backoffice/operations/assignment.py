"""What there is to do at one meter, looked up in registry and store before it is dialled."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from openami.backoffice.operations.cause import Cause, NotReadable
from openami.backoffice.operations.intake import Intake
from openami.backoffice.operations.notes import Notes
from openami.backoffice.operations.read_plan import ReadPlan
from openami.backoffice.registry.registry import NotRegistered, Registry
from openami.model.obis import ObisCode
from openami.model.point import Installation, Meter, behind_meter

Period = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Assignment:
    """`ranges` of the load profile are lacking; `log_from` is where the event log was read last (None: never).

    `scalers` are those of the channels at the points where the meter hangs.
    """

    meter: Meter
    link: str
    plan: ReadPlan
    period: Period
    ranges: Sequence[Period]
    log_from: datetime | None
    scalers: Mapping[ObisCode, int]


class Assignments:
    """Makes assignments. Synchronous: it reads the store."""

    def __init__(self, registry: Registry, intake: Intake, notes: Notes) -> None:
        self._registry = registry
        self._intake = intake
        self._notes = notes

    def masters(self) -> frozenset[str]:
        """The links of meters behind which the registry knows others."""
        return self._registry.masters()

    def of(self, meter_id: int, plan: ReadPlan, period: Period, masters: Container[str]) -> Assignment:
        """What to do at the meter; raise `NotReadable` if it cannot be read at all. `masters` as above."""
        meter, link = self.reachable(meter_id)
        if behind_meter(meter) not in masters:
            plan = replace(plan, sub_meters=0)
        installed = [hung for hung in self._registry.installations(meter_id) if _overlaps(hung, period)]
        if not installed:
            raise NotReadable(
                Cause.NOT_INSTALLED, f"meter {meter.serial} was installed nowhere from {period[0]} to {period[1]}"
            )
        ranges = self._intake.holes(meter_id, *period) if plan.load_profile else ()
        scalers = {
            channel.obis: channel.scaler
            for hung in installed
            for channel in self._registry.channels(hung.metering_point)
        }
        return Assignment(
            meter, link, plan, period, _few(ranges, plan.ranges_max), self._notes.log_read_through(meter_id), scalers
        )

    def reachable(self, meter_id: int) -> tuple[Meter, str]:
        """The meter and where to dial it; raise `NotReadable` if it is not known or cannot be dialled."""
        try:
            meter = self._registry.meter(meter_id)
        except NotRegistered as error:
            raise NotReadable(Cause.NOT_REGISTERED, str(error)) from error
        if not meter.two_way:
            raise NotReadable(Cause.ONE_WAY, f"meter {meter.serial} only pushes (one-way): nothing can be asked of it")
        if not meter.link:
            raise NotReadable(Cause.NO_LINK, f"meter {meter.serial} has no link: it cannot be dialled")
        return meter, meter.link


def _overlaps(hung: Installation, period: Period) -> bool:
    return hung.start < period[1] and (hung.end is None or hung.end > period[0])


def _few(ranges: Sequence[Period], limit: int) -> list[Period]:
    """The ranges, or one from the first to the last if they are many."""
    return list(ranges) if len(ranges) <= limit else [(ranges[0][0], ranges[-1][1])]
