"""`openami mdm import` and `export`: files of other parties in, and ours out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from openami.app.installation import Installation
from openami.app.records import enter_command
from openami.app.settings import SETTINGS_FILE
from openami.backoffice.audit.entry import Kind
from openami.cli.output import JsonOption, errors, print_json, print_note, print_rows
from openami.cli.registered import point_of
from openami.cli.up import SettingsOption
from openami.cli.written import check_order, code_of, time_of
from openami.io.clock import SystemClock
from openami.model.errors import SettingError
from openami.protocols.exchange.delivery import BadRecord, Rejected

if TYPE_CHECKING:
    from openami.backoffice.mdm.export import Exported
    from openami.backoffice.mdm.interfaces.exporting import Exporter
    from openami.backoffice.mdm.interfaces.importing import ImportResult
    from openami.backoffice.mdm.mdm import Mdm
    from openami.backoffice.registry.registry import Registry
    from openami.io.store.engine import Store

CHUNK = 1 << 16
TOLD_MAX = 20
"""Rejected records that people are shown; programs and `--report` get all."""


class Incoming(StrEnum):
    """Formats that come in."""

    CIM = "cim"
    CIM_EVENTS = "cim-events"
    CSV = "csv"
    NEM12 = "nem12"


class Outgoing(StrEnum):
    """Formats that go out."""

    CIM = "cim"
    CIM_EVENTS = "cim-events"
    ESPI = "espi"
    NEM12 = "nem12"
    MSCONS = "mscons"
    CSV = "csv"
    ARROW = "arrow"
    PARQUET = "parquet"


def import_(
    form: Annotated[Incoming, typer.Argument(metavar="FORMAT", help="What the file is: cim, cim-events, csv, nem12.")],
    file: Annotated[Path, typer.Argument(help="The file; of any size.", exists=True, dir_okay=False)],
    *,
    report: Annotated[
        Path | None, typer.Option(help="File for one JSON object a line for each rejected record: line, reason.")
    ] = None,
    age: Annotated[int, typer.Option(min=1, help="Days: what ended earlier than so long ago is rejected.")] = 3 * 366,
    settings: SettingsOption = Path(SETTINGS_FILE),
    as_json: JsonOption = False,
) -> int:
    """Take a file of readings; what cannot be taken is told with its line and reason, the rest is stored.

    The same file again changes nothing, also after an import that was cut short. Exits 1 if a record was rejected.
    """
    now = datetime.now(UTC)
    store = Installation.load(settings).open_store()
    try:
        with _telling(report, as_json=as_json) as tell:
            result = _taken(store, form, file, (now, timedelta(days=age)), tell)
    finally:
        store.close()
    told = result.plain()
    columns = tuple(name.capitalize() for name in told)
    print_rows(f"Imported {file.name}", columns, [tuple(told.values())], as_json=as_json)
    return int(result.rejected > 0)


def _taken(
    store: Store, form: Incoming, file: Path, times: tuple[datetime, timedelta], tell: Callable[[Rejected], None]
) -> ImportResult:
    from openami.backoffice.mdm.interfaces.events import import_events
    from openami.backoffice.mdm.interfaces.importing import Importer

    registry, mdm = _rooms(store)
    now, age_max = times
    if form is Incoming.CIM_EVENTS:
        with file.open("rb") as source:
            return import_events(store, registry, mdm, iter(lambda: source.read(CHUNK), b""), now, tell)

    def opening() -> AbstractContextManager[BinaryIO]:
        return file.open("rb")

    return Importer(store, registry, mdm, now, age_max).run(file.name, form, opening, tell)


@contextmanager
def _telling(report: Path | None, *, as_json: bool) -> Iterator[Callable[[Rejected], None]]:
    """How rejected records are told: to a file, to a program, or the first few to people."""
    count = 0
    target = report.open("w", encoding="utf-8") if report else None

    def tell(rejected: Rejected) -> None:
        nonlocal count
        count += 1
        if target is not None:
            import json

            target.write(json.dumps({"line": rejected.line, "reason": rejected.reason}, ensure_ascii=False) + "\n")
        elif as_json:
            print_json({"line": rejected.line, "reason": rejected.reason})
        elif count <= TOLD_MAX:
            errors.print(f"line {rejected.line}: {rejected.reason}", markup=False, soft_wrap=True)

    try:
        yield tell
    finally:
        if target is not None:
            target.close()
        elif count > TOLD_MAX and not as_json:
            print_note(f"{count - TOLD_MAX} more records were rejected; --report FILE tells all of them")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to go out, and who sends it to whom."""

    form: Outgoing
    start: datetime
    end: datetime
    sender: str
    receiver: str
    now: datetime


def export(
    form: Annotated[
        Outgoing,
        typer.Argument(
            metavar="FORMAT", help="cim, cim-events, espi (Green Button), nem12, mscons, csv, arrow or parquet."
        ),
    ],
    points: Annotated[list[str] | None, typer.Argument(help="Codes of metering points; none: all points.")] = None,
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write; a folder for parquet, by month.")],
    start: Annotated[
        str | None, typer.Option("--from", help="First moment, ISO 8601; the last seven days by default.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="Last moment, ISO 8601; now by default.")] = None,
    obis: Annotated[str | None, typer.Option(help="Only this quantity; all interval energies by default.")] = None,
    sender: Annotated[str, typer.Option(help="Who sends, in cim, nem12 and mscons.")] = "OPENAMI",
    receiver: Annotated[str, typer.Option(help="Who receives, in nem12 and mscons.")] = "RECEIVER",
    settings: SettingsOption = Path(SETTINGS_FILE),
) -> None:
    """Write validated values: as measured where no rule condemned them, as judged otherwise.

    A moment without a zone is UTC. NEM12 has whole days of market time (UTC+10) only; ESPI is one point.
    """
    now = datetime.now(UTC)
    last = time_of("--to", end) or now
    first = time_of("--from", start) or last - timedelta(days=7)
    check_order(first, last)
    asked = _Asked(form, first, last, sender, receiver, now)
    installation = Installation.load(settings)
    what, whose = f"wrote values as {form.value}", ", ".join(points or ())[:500] or "all points"
    enter_command(installation, SystemClock(), Kind.PERSONAL_DATA, whose, what)
    store = installation.open_store()
    try:
        _write(store, points or [], asked, out, obis)
    except BadRecord as error:
        raise SettingError(str(error)) from error
    finally:
        store.close()
    print_note(f"written: {out}")


def _write(store: Store, codes: list[str], asked: _Asked, out: Path, obis: str | None) -> None:
    from openami.backoffice.mdm.export import write_csv
    from openami.backoffice.mdm.interfaces.arrow import write_arrow, write_months
    from openami.backoffice.mdm.interfaces.exporting import Exporter

    registry, mdm = _rooms(store)
    numbers = [point_of(registry, code).id for code in codes] or registry.point_ids()
    exporter = Exporter(store, registry, mdm)
    wanted = None if obis is None else code_of(obis)
    exported = exporter.channels(
        numbers, asked.start, asked.end, lambda channel: wanted is None or channel.obis == wanted
    )
    if asked.form is Outgoing.PARQUET:
        write_months(exported, out)
    elif asked.form is Outgoing.ARROW:
        with out.open("wb") as binary:
            write_arrow(exported, binary)
    else:
        with out.open("w", encoding="utf-8", newline="") as text:
            if asked.form is Outgoing.CSV:
                write_csv(exported, text)
                return
            for piece in _pieces(store, registry, exporter, exported, asked, numbers):
                text.write(piece)


def _pieces(
    store: Store,
    registry: Registry,
    exporter: Exporter,
    exported: Iterable[Exported],
    asked: _Asked,
    numbers: list[int],
) -> Iterator[str]:
    from openami.backoffice.mdm.interfaces.events import stored_events
    from openami.protocols.exchange.cim_events import write_events
    from openami.protocols.exchange.cim_readings import write_readings
    from openami.protocols.exchange.espi import write_espi
    from openami.protocols.exchange.mscons import Party, write_mscons
    from openami.protocols.exchange.nem12 import write_nem12

    reference = asked.now.strftime("%y%m%d%H%M%S")
    if asked.form is Outgoing.CIM:
        return write_readings(exporter.cim(exported), asked.now, asked.sender, reference)
    if asked.form is Outgoing.CIM_EVENTS:
        events = stored_events(store, registry, asked.start, asked.end)
        return write_events(events, asked.now, asked.sender, reference)
    if asked.form is Outgoing.NEM12:
        days = exporter.nem12(exported, asked.now)
        return write_nem12(days, asked.now, asked.sender, asked.receiver)
    if asked.form is Outgoing.MSCONS:
        series = exporter.mscons(exported, asked.start, asked.end)
        return write_mscons(series, Party(asked.sender), Party(asked.receiver), asked.now, reference)
    if len(numbers) != 1:
        raise SettingError("a Green Button feed is of one metering point: name it")
    point = registry.point(numbers[0])
    bills = exporter.espi_summaries(point.id, asked.start, asked.end)
    return write_espi(point.code, point.service_address, point.zone, exporter.espi(exported), asked.now, bills)


def _rooms(store: Store) -> tuple[Registry, Mdm]:
    from openami.backoffice.mdm.mdm import Mdm
    from openami.backoffice.registry.registry import Registry

    registry = Registry(store)
    return registry, Mdm(store, registry)
