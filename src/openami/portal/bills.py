"""The bill's page: a month by its registers, the days that rest on estimates, and the lines of billing runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from litestar import Response
from litestar.exceptions import NotFoundException

from openami.backoffice.mdm.bill import Bill
from openami.backoffice.mdm.billing.determinants import Line
from openami.backoffice.mdm.billing.plan import CONTRACTS, DAYS, Plan
from openami.backoffice.mdm.billing.plan import Window as PlanWindow
from openami.backoffice.mdm.billing.runs import Run
from openami.backoffice.mdm.calendar import Period
from openami.backoffice.mdm.consumption import Consumption
from openami.model.interval import DAY_S, utc
from openami.portal.calendar import View, Window
from openami.portal.energy import Asking, Place, meters_in, newest_day
from openami.portal.identity import note_access
from openami.portal.ownership import Sight
from openami.portal.picture import Flow
from openami.portal.rooms import Rooms


@dataclass(frozen=True, slots=True)
class RunLine:
    """A line of a run, and in words what it is made of."""

    line: Line
    at: datetime | None
    meaning: str


@dataclass(frozen=True, slots=True)
class RunBill:
    """What a billing run made of the point, as it was last told: version 1 is the bill, later ones correct it."""

    run: Run
    version: int
    start: datetime
    end: datetime
    lines: tuple[RunLine, ...]

    @property
    def by_contract(self) -> bool:
        """Whether each point was billed by the plan of its contract."""
        return self.run.plan == CONTRACTS


def bill_page(request: Asking, rooms: Rooms, place: Place, day: date | None) -> Response[str]:
    """The month's bill: opening and closing register, and the sum of the intervals beside it; one per supply."""
    sight = place.sight
    window = Window.holding(View.MONTH, day or newest_day(rooms, sight), sight.zone)
    spans = sight.within(window.start, min(window.end, max(window.start, rooms.now)))
    if not sight.within(window.start, window.end):
        raise NotFoundException
    note_access(request, "bill", metering_point=sight.point.code, first=str(window.first))
    return rooms.pages.page(
        request,
        "bill",
        place=place,
        window=window,
        bills=[(start, end, _bill(rooms, sight, start, end)) for start, end in spans],
        guessed=[each for span in spans for each in _guessed(rooms, sight, span)],
        runs=list(_runs(rooms, sight, window)),
        meters=meters_in(rooms, sight, window.start, window.end),
        reaches_back=bool(sight.within(window.previous.start, window.previous.end)),
        reaches_on=window.end <= rooms.now and bool(sight.within(window.next.start, window.next.end)),
    )


def _bill(rooms: Rooms, sight: Sight, start: datetime, end: datetime) -> Bill | None:
    """The bill, unless it opens with a register of a time that the reader may not see."""
    bill = rooms.mdm.bill(sight.point.id, start, end)
    if bill is None or (bill.opening and not sight.shows_register(bill.opening.stamp)):
        return None
    return bill


def _guessed(rooms: Rooms, sight: Sight, span: tuple[datetime, datetime]) -> list[Consumption]:
    """The days with intervals that are estimated or missing."""
    days = rooms.mdm.consumption(sight.point.id, *span, Period.DAY, Flow.IMPORT.obis)
    return [day for day in days if day.estimated or day.missing]


def _runs(rooms: Rooms, sight: Sight, window: Window) -> Iterator[RunBill]:
    """Runs whose whole period the reader may see, and that bill a part of the window."""
    for run in rooms.billing.runs():
        start, end = rooms.billing.period(run, sight.point.zone)
        overlaps = start < window.end and window.start < end
        if not overlaps or sight.within(start, end) != [(start, end)]:
            continue
        plans = rooms.billing.plans(run, sight.point.id)
        for result in rooms.billing.results(run.id, [sight.point.id]):
            lines = tuple(run_line(each, plans) for each in result.lines)
            yield RunBill(run, result.version, start, end, lines)


def run_line(line: Line, plans: Mapping[str, Plan]) -> RunLine:
    """A line with what it is made of; `plans` as `Billing.plans` tells them."""
    at = None if line.at is None else utc(line.at)
    name, _, since = line.name.partition("@")
    if name == "without_contract":
        days = (line.value or 0) / DAY_S
        return RunLine(line, at, f"no contract holds for {days:.4g} days of the period: nothing is billed for them")
    if since not in plans:
        return RunLine(line, at, "the contract names a tariff for which there is no plan: nothing is billed by it")
    holds = f" (contract from {since} on)" if since else ""
    return RunLine(line, at, meaning(name, plans[since]) + holds)


def meaning(name: str, plan: Plan) -> str:
    """In words what the line `name` of `plan` is made of."""
    head, _, rest = name.partition(".")
    if head == "register":
        return f"register {rest} at the end of the period, less the same at its beginning"
    if head == "tier":
        bounds = [0, *plan.tiers_wh]
        low = bounds[int(rest) - 1]
        high = f" to {bounds[int(rest)]} Wh" if int(rest) < len(bounds) else " Wh on"
        return f"the part of the {plan.metering} energy from {low}{high}"
    if head == "demand":
        within = f", of windows that begin when {rest} counts" if rest else ""
        return f"the highest mean power of {plan.demand_window_s // 60} minutes without a gap{within}"
    flows = {"import": "from the grid", "export": "into the grid", "net": "from the grid less into the grid"}
    return f"intervals {flows[head]}" + (f" {_when(rest, plan)}" if rest else "")


def _when(register: str, plan: Plan) -> str:
    windows = [_window(each) for each in plan.window if each.register == register]
    if register == plan.register:
        return "; ".join(["when no other register counts", *windows])
    return "; ".join(windows)


def _window(window: PlanWindow) -> str:
    days = "" if len(window.days) == len(DAYS) else " on " + ", ".join(window.days)
    months = "" if len(window.months) == 12 else " in months " + ", ".join(map(str, window.months))
    return f"that begin from {window.begin} until {window.until}{days}{months}"
