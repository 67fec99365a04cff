"""`openami readings`: query and export what is stored."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from openami.app.installation import Installation
from openami.app.settings import SETTINGS_FILE
from openami.backoffice.mdm.calendar import Period
from openami.backoffice.mdm.export import Exported, channels_between, write_csv, write_parquet
from openami.backoffice.mdm.mdm import Mdm
from openami.backoffice.registry.registry import Registry
from openami.cli.output import JsonOption, console, print_rows
from openami.cli.registered import point_of
from openami.cli.up import SettingsOption
from openami.cli.written import check_order, code_of, moment_of
from openami.io.store.engine import Store
from openami.model.errors import SettingError
from openami.model.point import ChannelKind
from openami.model.quantity import Quantity

Span = tuple[datetime | None, datetime | None]
"""First and last moment as typed; one without a zone is local to each point."""


class Format(StrEnum):
    """How readings leave."""

    TABLE = "table"
    CSV = "csv"
    PARQUET = "parquet"


def readings(
    points: Annotated[list[str] | None, typer.Argument(help="Codes of metering points; none: all points.")] = None,
    *,
    start: Annotated[
        str | None, typer.Option("--from", help="First moment, ISO 8601; the last seven days by default.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="Last moment, ISO 8601; now by default.")] = None,
    by: Annotated[Period, typer.Option(help="Sums of the table: per interval, hour, day, month or year.")] = Period.DAY,
    single: Annotated[
        bool,
        typer.Option("--single", help="Single reads of all registers, as water and gas have them, instead of sums."),
    ] = False,
    obis: Annotated[str, typer.Option(help="Which energy.")] = "1-0:1.8.0*255",
    form: Annotated[Format, typer.Option("--format", help="A table of sums, or all intervals as CSV or Parquet.")] = (
        Format.TABLE
    ),
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File to write; CSV goes to standard output.")] = None,
    settings: SettingsOption = Path(SETTINGS_FILE),
    as_json: JsonOption = False,
) -> None:
    """Show consumption, or export every interval with its quality and the number of its evidence.

    A moment without a zone is meant in the metering point's own: `--from 2026-01-01` is midnight where the meter hangs.
    """
    period = moment_of("--from", start), moment_of("--to", end)
    if (as_json or single) and form is not Format.TABLE:
        raise SettingError(f"{'--json' if as_json else '--single'} goes with the table, not with --format {form}")
    store = Installation.load(settings).open_store()
    try:
        query = Query(store, points or [], period, datetime.now(UTC), obis)
        if form is Format.TABLE and single:
            query.show_single(as_json=as_json)
        elif form is Format.TABLE:
            query.show(by, as_json=as_json)
        elif form is Format.CSV:
            query.write_csv(out)
        else:
            query.write_parquet(out)
    finally:
        store.close()


class Query:
    """Points, a period and a quantity."""

    def __init__(self, store: Store, codes: list[str], period: Span, now: datetime, obis: str) -> None:
        self._registry = Registry(store)
        self._mdm = Mdm(store, self._registry)
        self._period = period
        self._now = now
        self._obis = code_of(obis)
        self._points = [point_of(self._registry, code).id for code in codes] or self._registry.point_ids()

    def show(self, by: Period, *, as_json: bool) -> None:
        """Sums in each point's own calendar, with what is missing."""
        rows = []
        for identity in self._points:
            point = self._registry.point(identity)
            zone = ZoneInfo(point.zone)
            for one in self._mdm.consumption(identity, *self._between(zone), by, self._obis):
                begin = one.start.astimezone(zone).isoformat(timespec="minutes")
                rows.append((point.code, begin, one.energy_wh, one.intervals, one.missing, one.estimated))
        columns = ("Point", "From", "Wh", "Intervals", "Missing", "Estimated")
        print_rows("Consumption", columns, rows, as_json=as_json)

    def show_single(self, *, as_json: bool) -> None:
        """What registers stood at, each with the class of the meter that told it."""
        rows = []
        for identity in self._points:
            point = self._registry.point(identity)
            start, end = self._between(zone := ZoneInfo(point.zone))
            for channel in self._registry.channels_of_points([identity]):
                if channel.kind is not ChannelKind.STAMPED_REGISTER:
                    continue
                for read in self._mdm.registers(identity, channel.obis, start, end):
                    at = datetime.fromtimestamp(read.stamp, zone).isoformat()
                    value = Quantity(read.register, channel.scaler, channel.unit)
                    guarantee = self._registry.meter(read.meter).guarantee.name.lower()
                    rows.append((point.code, channel.obis, at, value.value, channel.unit.symbol, guarantee))
        print_rows("Single reads", ("Point", "Register", "At", "Value", "Unit", "Class"), rows, as_json=as_json)

    def write_csv(self, out: Path | None) -> None:
        """Every interval, to a file or to standard output."""
        with ExitStack() as stack:
            target = stack.enter_context(out.open("w", encoding="utf-8", newline="")) if out else sys.stdout
            lines = write_csv(self._channels(), target)
        if out:
            console.print(f"{lines} intervals written to {out}", highlight=False)

    def write_parquet(self, out: Path | None) -> None:
        """Every interval, to a file."""
        if out is None:
            raise SettingError("--format parquet needs --out")
        with out.open("wb") as target:
            rows = write_parquet(self._channels(), target)
        console.print(f"{rows} intervals written to {out}", highlight=False)

    def _channels(self) -> Iterator[Exported]:
        for identity in self._points:
            start, end = self._between(ZoneInfo(self._registry.point(identity).zone))
            yield from channels_between(
                self._mdm, self._registry, [identity], start, end, lambda channel: channel.obis == self._obis
            )

    def _between(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """The period in one point's calendar; by default today and the six days before."""
        first, last = (one if one is None or one.tzinfo else one.replace(tzinfo=zone) for one in self._period)
        end = last or self._now
        today = end.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        start = first or today - timedelta(days=6)
        check_order(start, end)
        return start, end
