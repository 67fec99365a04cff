"""Editing by a person: values set with a reason, by two persons where it is so configured, undone as a new version.

What was measured and what was judged is never altered. An edit is proposed, applied or refused, and may be undone; each
step names who, why and when, and stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, func, insert, select

from openami.backoffice.mdm.bit_groups import pack
from openami.backoffice.mdm.blocks import pack_codes, unpack
from openami.backoffice.mdm.placement import home_of
from openami.backoffice.mdm.series import seconds
from openami.backoffice.mdm.tables import edited_block, value_edit, value_edit_step
from openami.backoffice.registry.registry import NotRegistered, Registry
from openami.io.store.engine import Store
from openami.model.errors import Conflict, SettingError
from openami.model.interval import DAY_S, Values, utc
from openami.model.point import Channel

INTERVALS_MAX = 100_000


class EditState(StrEnum):
    """What an edit is after a step."""

    PROPOSED = "proposed"
    APPLIED = "applied"
    REFUSED = "refused"
    UNDO_PROPOSED = "undo proposed"
    UNDONE = "undone"


IN_FORCE = frozenset((EditState.APPLIED, EditState.UNDO_PROPOSED))
CONFIRMED = {EditState.PROPOSED: EditState.APPLIED, EditState.UNDO_PROPOSED: EditState.UNDONE}
WITHDRAWN = {EditState.PROPOSED: EditState.REFUSED, EditState.UNDO_PROPOSED: EditState.APPLIED}


@dataclass(frozen=True, slots=True)
class EditStep:
    """Who did what with an edit, when and why."""

    state: EditState
    person: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, eq=False)
class Edit:
    """`values` (in the channel's unit and scaler) for the intervals from `start` on, and all its steps."""

    metering_point: int
    number: int
    channel: int
    start: datetime
    resolution_s: int
    values: Values
    steps: tuple[EditStep, ...]

    @property
    def state(self) -> EditState:
        return self.steps[-1].state

    def covers(self, channel: Channel, start: int) -> bool:
        """Whether it sets the interval of `channel` that begins at `start` (seconds)."""
        first = seconds(self.start)
        return self.channel == channel.number and first <= start < first + self.resolution_s * len(self.values)

    @property
    def in_force_since(self) -> datetime:
        """When it was applied; the order of edits that overlap."""
        return next(step.at for step in self.steps if step.state is EditState.APPLIED)


class Editor:
    """Edits of interval values in `store`. With `four_eyes` each step that changes a value needs a second person."""

    def __init__(self, store: Store, registry: Registry, *, four_eyes: bool) -> None:
        self._store = store
        self._registry = registry
        self._four_eyes = four_eyes

    def propose(
        self,
        metering_point: int,
        channel: int,
        start: datetime,
        values: Sequence[int],
        reason: str,
        person: str,
        now: datetime,
    ) -> Edit:
        """Set the intervals from `start` on to `values`. It holds at once, or once another person confirms it."""
        home = home_of(self._registry, self._registry.channel(metering_point, channel))
        _check(home, start, values, reason, person)
        table = value_edit.c
        with self._store.transaction() as connection:
            last = select(func.max(table.number)).where(table.metering_point == metering_point)
            number = (connection.execute(last).scalar() or 0) + 1
            row = {
                "metering_point": metering_point,
                "number": number,
                "channel": home.number,
                "start": seconds(start),
                "resolution_s": home.resolution_s,
                "intervals": len(values),
                "energy": pack(np.array([values], dtype=np.int64))[0],
            }
            connection.execute(insert(value_edit).values(row))
            self._step(connection, metering_point, number, EditState.PROPOSED, (person, reason, now))
            if not self._four_eyes:
                self._step(connection, metering_point, number, EditState.APPLIED, (person, reason, now))
            return self._edit(connection, metering_point, number)

    def confirm(self, metering_point: int, number: int, person: str, now: datetime, reason: str = "") -> Edit:
        """Another person agrees: the edit is applied, or undone. `Conflict` if it is the same, or nothing waits."""
        return self._answer(metering_point, number, CONFIRMED, (person, reason, now))

    def refuse(self, metering_point: int, number: int, reason: str, person: str, now: datetime) -> Edit:
        """The proposal (of the edit, or of undoing it) comes to nothing."""
        return self._answer(metering_point, number, WITHDRAWN, (person, reason, now))

    def undo(self, metering_point: int, number: int, reason: str, person: str, now: datetime) -> Edit:
        """The values before the edit hold again: a new version, nothing is deleted."""
        _told(reason, person)
        with self._store.transaction() as connection:
            edit = self._edit(connection, metering_point, number)
            if edit.state is not EditState.APPLIED:
                raise Conflict(f"edit {number} of point {metering_point} is {edit.state}: there is nothing to undo")
            self._step(connection, metering_point, number, EditState.UNDO_PROPOSED, (person, reason, now))
            if not self._four_eyes:
                self._step(connection, metering_point, number, EditState.UNDONE, (person, reason, now))
            return self._edit(connection, metering_point, number)

    def edits(self, metering_point: int) -> list[Edit]:
        """All edits of a point, in the order in which they were proposed."""
        with self._store.reading() as connection:
            return edits_of(connection, metering_point)

    def _answer(
        self, point: int, number: int, answers: dict[EditState, EditState], told: tuple[str, str, datetime]
    ) -> Edit:
        with self._store.transaction() as connection:
            edit = self._edit(connection, point, number)
            if edit.state not in answers:
                raise Conflict(f"edit {number} of point {point} is {edit.state}: nothing waits for a second person")
            if answers is CONFIRMED and edit.steps[-1].person == told[0]:
                raise Conflict(f"edit {number} of point {point}: {told[0]} proposed it, somebody else must confirm it")
            self._step(connection, point, number, answers[edit.state], told)
            return self._edit(connection, point, number)

    def _step(
        self, connection: Connection, point: int, number: int, state: EditState, told: tuple[str, str, datetime]
    ) -> None:
        person, reason, at = told
        table = value_edit_step.c
        last = select(func.max(table.step)).where(table.metering_point == point, table.number == number)
        step = (connection.execute(last).scalar() or 0) + 1
        values = {"metering_point": point, "number": number, "step": step, "state": state.value}
        connection.execute(insert(value_edit_step).values(values | {"person": person, "reason": reason, "at": at}))
        if state in {EditState.APPLIED, EditState.UNDONE}:
            _edit_days(connection, self._edit(connection, point, number), at)

    def _edit(self, connection: Connection, point: int, number: int) -> Edit:
        found = [edit for edit in edits_of(connection, point) if edit.number == number]
        if not found:
            raise NotRegistered(f"point {point} has no edit {number}")
        return found[0]


def edits_of(connection: Connection, point: int) -> list[Edit]:
    """All edits of a point, in the order in which they were proposed."""
    steps: dict[int, list[EditStep]] = {}
    order = value_edit_step.c.number, value_edit_step.c.step
    query = select(value_edit_step).where(value_edit_step.c.metering_point == point).order_by(*order)
    for row in connection.execute(query):
        steps.setdefault(row.number, []).append(EditStep(EditState(row.state), row.person, row.reason, row.at))
    rows = connection.execute(
        select(value_edit).where(value_edit.c.metering_point == point).order_by(value_edit.c.number)
    )
    return [_edit_of(row, tuple(steps[row.number])) for row in rows]


def _edit_of(row: Row[Any], steps: tuple[EditStep, ...]) -> Edit:
    values = unpack([row.energy], row.intervals)[0]
    return Edit(row.metering_point, row.number, row.channel, utc(row.start), row.resolution_s, values, steps)


def _edit_days(connection: Connection, changed: Edit, at: datetime) -> None:
    """A new version of each day that `changed` touches: all edits in force, later ones over earlier ones."""
    step = changed.resolution_s
    count, start = DAY_S // step, seconds(changed.start)
    first, last = start // DAY_S, (start + step * len(changed.values) - 1) // DAY_S
    energy = np.zeros((last - first + 1) * count, dtype=np.int64)
    marked = np.zeros(len(energy), dtype=np.uint8)
    standing = (edit for edit in edits_of(connection, changed.metering_point) if edit.state in IN_FORCE)
    for edit in sorted(standing, key=lambda edit: (edit.in_force_since, edit.number)):
        if (edit.channel, edit.resolution_s) == (changed.channel, step):
            begin = (seconds(edit.start) - first * DAY_S) // step
            low, high = max(begin, 0), min(begin + len(edit.values), len(energy))
            if low < high:
                energy[low:high], marked[low:high] = edit.values[low - begin : high - begin], 1
    versions = _versions(connection, changed, first, last)
    rows = zip(pack(energy.reshape(-1, count)), pack_codes(marked.reshape(-1, count)), strict=True)
    for day, (block, marks) in enumerate(rows, first):
        values = {
            "metering_point": changed.metering_point,
            "day": day,
            "channel": changed.channel,
            "version": versions.get(day, 0) + 1,
            "resolution_s": step,
            "edited_at": at,
            "edit": changed.number,
            "energy": block,
            "marked": marks,
        }
        connection.execute(insert(edited_block).values(values))


def _versions(connection: Connection, edit: Edit, first: int, last: int) -> dict[int, int]:
    table = edited_block.c
    chosen = table.metering_point == edit.metering_point, table.channel == edit.channel
    query = select(table.day, func.max(table.version)).where(*chosen, table.day.between(first, last))
    return {row[0]: row[1] for row in connection.execute(query.group_by(table.day))}


def _check(channel: Channel, start: datetime, values: Sequence[int], reason: str, person: str) -> None:
    _told(reason, person)
    if seconds(start) % channel.resolution_s or utc(seconds(start)) != start:
        raise SettingError(f"{start} is no beginning of an interval of {channel.resolution_s} s")
    if not 0 < len(values) <= INTERVALS_MAX:
        raise SettingError(f"an edit sets 1 to {INTERVALS_MAX} values, not {len(values)}")


def _told(reason: str, person: str) -> None:
    if not reason.strip() or not person.strip():
        raise SettingError("an edit names who makes it and why")
