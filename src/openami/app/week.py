"""One week of the district, played as fast as it goes: read every night, with things that go wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

from openami.app.demo import DAY_S, HOUR_S, MARGIN_S, District
from openami.app.district import Household
from openami.app.other_media import MediumMeter
from openami.backoffice.operations.campaigns import CampaignView
from openami.model.event import EventCode
from openami.model.quantity import Quantity

DAYS = 7
OUTAGE_DAY, TAMPER_DAY, SILENT_DAY = 1, 2, 4


@dataclass(frozen=True, slots=True)
class HouseholdWeek:
    """What a week brought one household, in Wh: by the bill's registers, by the intervals, and in the meter itself."""

    household: str
    origin: str
    register_wh: int | None
    interval_wh: int
    missing: int
    counted_wh: int
    events: int


@dataclass(frozen=True, slots=True)
class MediumWeek:
    """What is known of a meter of water, gas or heat at the end: the last stored register, and the meter's own."""

    household: str
    medium: str
    meter: str
    guarantee: str
    stored: Quantity | None
    counted: Quantity
    readings: int


class Week:
    """Seven days of the district from the next midnight (UTC) on.

    On the second day a house loses its supply for two hours (a last gasp is pushed), on the third a cover is opened, on
    the fifth a house is without supply while it should be read: that read fails, and the next night fills the hole.
    """

    def __init__(self, district: District) -> None:
        self._district = district
        self._start = district.now().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        self._opening = self._registers()
        self._closing = self._opening

    async def play(self) -> AsyncIterator[CampaignView]:
        """One campaign each night, with the pushes that came until then."""
        district = self._district
        operations = district.office.operations
        for day in range(DAYS):
            await self._live_through(day)
            silent = _house(district, 5) if day == SILENT_DAY else None
            if silent is not None:
                await district.cell.power_fail(silent.number)
            opening = self._start - timedelta(hours=1)  # the register of the first midnight closes this hour
            campaign = await district.read(f"night {day + 1}", opening, self._start + timedelta(days=day + 1))
            if silent is not None:
                await district.cell.power_restore(silent.number)
            await operations.pull_spool()
            yield operations.campaign(campaign)

    def summary(self) -> list[HouseholdWeek]:
        """What the back office knows of each household, beside what the meter has counted."""
        return [self._household(house) for house in self._district.houses]

    def media(self) -> list[MediumWeek]:
        """The meters of water, gas and heat, and how many readings of each the week brought."""
        return [self._medium(each) for each in self._district.media.meters]

    def _medium(self, each: MediumMeter) -> MediumWeek:
        office, medium = self._district.office, each.medium
        meter = office.registry.meter_by_system_title(each.device.address.link_order)
        assert meter is not None
        point = office.registry.installations(meter.id)[0].metering_point
        reads = office.mdm.registers(point, medium.obis, self._start - timedelta(days=2), self._district.now())
        stored = Quantity(reads[-1].register, medium.scaler, medium.unit) if reads else None
        counted = each.device.register(reads[-1].stamp if reads else self._start.timestamp())
        house = self._district.houses[each.household].name
        return MediumWeek(house, medium.name, meter.serial, meter.guarantee.name.lower(), stored, counted, len(reads))

    def _household(self, house: Household) -> HouseholdWeek:
        office, meter = self._district.office, self._district.meters[house.number]
        point = office.registry.installations(meter.id)[0].metering_point
        bill = office.mdm.bill(point, self._start, self._start + timedelta(days=DAYS))
        return HouseholdWeek(
            house.name,
            meter.curve.partition(":")[0],
            bill.register_energy_wh if bill else None,
            bill.interval_energy_wh if bill else 0,
            bill.missing if bill else 0,
            self._closing[house.number] - self._opening[house.number],
            len(office.operations.events(meter.id)),
        )

    async def _live_through(self, day: int) -> None:
        district, midnight = self._district, self._start.timestamp() + day * DAY_S
        if day == OUTAGE_DAY:
            house = _house(district, 3)
            district.advance_to(midnight + 11 * HOUR_S)
            await district.cell.power_fail(house.number)
            district.advance_to(midnight + 13 * HOUR_S)
            await district.cell.power_restore(house.number)
        if day == TAMPER_DAY:
            house = _house(district, 1)
            district.advance_to(midnight + 15 * HOUR_S)
            await district.alarm(house, EventCode.COVER_OPENED, district.clock.time())
        self._closing = self._registers(midnight + DAY_S)
        district.advance_to(midnight + DAY_S + MARGIN_S)

    def _registers(self, at: float | None = None) -> dict[int, int]:
        """The meters' import registers, in Wh, by the household's number, when each meter's own clock shows `at`.

        Clocks drift by a second or two in a week, and a heating that starts at midnight draws some Wh in that time.
        """
        shown = self._start.timestamp() if at is None else at
        for house in self._district.houses:
            house.meter.advance(house.meter.clock.true_time(shown))
        return {house.number: house.meter.energy.import_wh for house in self._district.houses}


def _house(district: District, number: int) -> Household:
    return district.houses[number % len(district.houses)]
