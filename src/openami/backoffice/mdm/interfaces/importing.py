"""Import of files: a stream of records of any length, each stored or told with line and reason.

A file is read twice: once for its digest, once for its content. Its digest is kept with the time at which it was first
seen, which is when all of its values became known; so the same file changes nothing when it comes again, also where
an import was cut short by a power cut. Memory holds one batch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import astuple, dataclass, fields
from datetime import datetime, timedelta
from typing import BinaryIO

import numpy as np
from sqlalchemy import Connection, insert, select, update

from openami.backoffice.mdm.interfaces.placing import Placed, Placer
from openami.backoffice.mdm.interfaces.tables import delivered_file
from openami.backoffice.mdm.mdm import Mdm
from openami.backoffice.mdm.placement import home_of
from openami.backoffice.mdm.tables import interval_block
from openami.backoffice.registry.registry import Registry
from openami.io.store.among import among
from openami.io.store.columns import microseconds
from openami.io.store.engine import Store
from openami.model.errors import SettingError
from openami.model.interval import DAY_S, utc
from openami.model.reading import ProfileReading, RegisterReading
from openami.protocols.exchange.delivery import Delivery, Rejected, written
from openami.protocols.exchange.parsers import PARSERS

CHUNK = 1 << 16
BATCH_VALUES = 20_000
"""Values of one transaction: what a crash may undo, and what memory holds."""
BATCH_REJECTED = 5_000
AGE_MAX = timedelta(days=3 * 366)
Opening = Callable[[], AbstractContextManager[BinaryIO]]
Report = Callable[[Rejected], None]
Key = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of a file: `records` and `values` read and placed; `stored` channel-days and registers that changed;
    `unchanged` channel-days that held the same already; `superseded` values that later known ones, or a register, go
    before; `rejected` reports, each with its line.
    """

    records: int = 0
    values: int = 0
    stored: int = 0
    unchanged: int = 0
    superseded: int = 0
    rejected: int = 0

    def __add__(self, other: ImportResult) -> ImportResult:
        return ImportResult(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))

    def plain(self) -> dict[str, int]:
        """By name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, slots=True)
class _File:
    """A file as it is known: its digest, format, and when it was first seen."""

    digest: str
    form: str
    known_at: datetime


class Importer:
    """Takes files into `store`. Times that end after `now`, or more than `age_max` before it, are rejected."""

    def __init__(self, store: Store, registry: Registry, mdm: Mdm, now: datetime, age_max: timedelta = AGE_MAX) -> None:
        self._store = store
        self._registry = registry
        self._mdm = mdm
        self._now = now
        self._oldest = now - age_max

    def run(self, name: str, form: str, opening: Opening, report: Report) -> ImportResult:
        """Import the file that `opening` opens, as often as it is asked; `report` is told what was rejected, in order
        of batches. Raises `SettingError` for an unknown format.
        """
        parse = PARSERS.get(form)
        if parse is None:
            raise SettingError(f"{form!r} is no format that can be imported; known are {', '.join(sorted(PARSERS))}")
        with opening() as source:
            digest = _digest(source)
        file = self._note(digest, form, name)
        placer = Placer(self._registry, self._now, self._oldest)
        total = ImportResult()
        with opening() as source:
            for batch in _batches(parse(_chunks(source))):
                total += self._take(file, placer, batch, report)
        with self._store.transaction() as connection:
            ended = {"ended_at": self._now, "taken": total.values, "rejected": total.rejected}
            connection.execute(update(delivered_file).filter_by(digest=digest, form=form).values(**ended))
        return total

    def _note(self, digest: str, form: str, name: str) -> _File:
        columns = delivered_file.c
        with self._store.transaction() as connection:
            query = select(columns.known_at).where(columns.digest == digest, columns.form == form)
            known_at = connection.execute(query).scalar()
            if known_at is None:
                known_at = self._now
                values = {"digest": digest, "form": form, "name": name[:500], "known_at": known_at}
                connection.execute(insert(delivered_file).values(**values, ended_at=None, taken=0, rejected=0))
        return _File(digest, form, known_at)

    def _take(self, file: _File, placer: Placer, batch: Sequence[Delivery | Rejected], report: Report) -> ImportResult:
        """One transaction; what was rejected is told once it is done."""
        rejected: list[Rejected] = []
        placed: list[Placed] = []
        with self._store.transaction() as connection:
            for item in batch:
                for found in (item,) if isinstance(item, Rejected) else placer.place(item):
                    if isinstance(found, Rejected):
                        rejected.append(found)
                    else:
                        placed.append(found)
            kept = list(self._once(connection, file, placed, rejected))
            result = self._stored(file, kept)
        for each in rejected:
            report(each)
        records = sum(isinstance(item, Delivery) for item in batch)
        values = sum(len(each.stamps) for each in kept)
        return result + ImportResult(records=records, values=values, rejected=len(rejected))

    def _once(
        self, connection: Connection, file: _File, placed: Sequence[Placed], rejected: list[Rejected]
    ) -> Iterator[Placed]:
        """Of values that the file tells twice, the first; another value for the same interval is rejected."""
        there = self._days_of(connection, file, placed)
        seen: dict[tuple[int, int, int], dict[int, int]] = {}
        for each in placed:
            channel = each.channel
            told = seen.setdefault((channel.metering_point, channel.number, each.delivery.resolution_s), {})
            if self._keys(each) & there:
                told = self._told_before(file, each) | told
            again = [
                row
                for row, (stamp, value) in enumerate(zip(each.stamps.tolist(), each.values.tolist(), strict=True))
                if told.get(stamp, value) != value
            ]
            if again:
                rejected += _told_twice(each, again)
                each = each.only([row for row in range(len(each.stamps)) if row not in set(again)])  # noqa: PLW2901
            told |= dict(zip(each.stamps.tolist(), each.values.tolist(), strict=True))
            seen[channel.metering_point, channel.number, each.delivery.resolution_s] = told
            if len(each.stamps):
                yield each

    def _keys(self, placed: Placed) -> set[Key]:
        if not placed.delivery.resolution_s:
            return set()
        home = home_of(self._registry, placed.channel)
        days = np.unique((placed.stamps - 1) // DAY_S).tolist()
        return {(home.metering_point, home.number, day) for day in days}

    def _days_of(self, connection: Connection, file: _File, placed: Sequence[Placed]) -> set[Key]:
        """The stored channel-days, of those in `placed`, that this very file has told something of."""
        points = sorted({each.channel.metering_point for each in placed})
        if not points:
            return set()
        table = interval_block.c
        days = [(int(each.stamps.min()) // DAY_S - 1, int(each.stamps.max()) // DAY_S) for each in placed]
        chosen = among(table.metering_point, points), table.known_at == microseconds(file.known_at)
        span = table.day.between(min(day[0] for day in days), max(day[1] for day in days))
        query = select(table.metering_point, table.channel, table.day).where(*chosen, span).distinct()
        return {(row[0], row[1], row[2]) for row in connection.execute(query)}

    def _told_before(self, file: _File, placed: Placed) -> dict[int, int]:
        """What this file told earlier of the intervals of `placed`."""
        first, last = int(placed.stamps.min()) - placed.channel.resolution_s, int(placed.stamps.max())
        channel = placed.channel
        series = self._mdm.series(channel.metering_point, channel.number, utc(first), utc(last))
        mine = {
            number: self._mdm.evidence(number).note == _note(file)
            for number in np.unique(series.evidence).tolist()
            if number
        }
        rows = zip(series.stamps.tolist(), series.values.tolist(), series.evidence.tolist(), strict=True)
        return {stamp: value for stamp, value, number in rows if mine.get(number)}

    def _stored(self, file: _File, placed: Sequence[Placed]) -> ImportResult:
        energies: list[ProfileReading] = []
        snapshots: list[ProfileReading] = []
        registers: list[RegisterReading] = []
        for each in placed:
            evidence = self._evidence(file, each)
            delivery, obis = each.delivery, each.delivery.obis
            if not delivery.resolution_s:
                registers += [
                    RegisterReading(each.meter, obis, utc(stamp), value, file.known_at, evidence)
                    for stamp, value in zip(each.stamps.tolist(), each.values.tolist(), strict=True)
                ]
                continue
            kind = snapshots if delivery.registers else energies
            status = np.zeros(len(each.stamps), dtype=np.uint8)
            if not delivery.registers:
                status = np.array(each.qualities, dtype=np.uint8)
            resolution_s = delivery.resolution_s
            kind.append(
                ProfileReading(
                    each.meter, obis, resolution_s, each.stamps, each.values, status, file.known_at, evidence
                )
            )
        taken = self._mdm.take_energy(energies) + self._mdm.take_profile(snapshots) + self._mdm.take_register(registers)
        return ImportResult(stored=taken.stored, unchanged=taken.unchanged, superseded=taken.superseded)

    def _evidence(self, file: _File, placed: Placed) -> int:
        """Where the values came from: the file, known by its digest, and the lines."""
        delivery = placed.delivery
        lines = f"lines {delivery.line} to {delivery.last_line}"
        said = f"{file.form} file, SHA-256 {file.digest}, {lines}".encode()
        return self._mdm.keep_evidence(placed.meter, file.known_at, file.form, [], said, _note(file))


def _told_twice(placed: Placed, rows: Sequence[int]) -> Iterator[Rejected]:
    """Values for which the file has told another value before: each where it is a record of its own, else together."""
    for some in [[row] for row in rows] if placed.delivery.lines else [rows]:
        at = written(int(placed.stamps[some[0]]))
        why = f"{len(some)} values (the first ends {at}) were told earlier in the file, with another value"
        yield Rejected(placed.lines[some[0]], why)


def _note(file: _File) -> str:
    return f"file {file.digest}"


def _digest(source: BinaryIO) -> str:
    made = hashlib.sha256()
    for chunk in _chunks(source):
        made.update(chunk)
    return made.hexdigest()


def _chunks(source: BinaryIO) -> Iterator[bytes]:
    while chunk := source.read(CHUNK):
        yield chunk


def _batches(items: Iterable[Delivery | Rejected]) -> Iterator[list[Delivery | Rejected]]:
    batch: list[Delivery | Rejected] = []
    values = rejected = 0
    for item in items:
        batch.append(item)
        if isinstance(item, Delivery):
            values += len(item.stamps)
        else:
            rejected += 1
        if values >= BATCH_VALUES or rejected >= BATCH_REJECTED:
            yield batch
            batch, values, rejected = [], 0, 0
    if batch:
        yield batch
