"""The lines of a registry file that tell of things nobody knows yet: many of one record are taken at once.

A file that enrols a utility has little else. A line of which anything is known, or that stands in the same run twice,
is left to be taken by itself, and so is all that would be refused: it is then refused with its own words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from openami.backoffice.mdm import unplaced
from openami.backoffice.mdm.master_data.lines import Line
from openami.backoffice.registry import additions, tables
from openami.backoffice.registry.additions import NewFact, NewMeter, NewPoint
from openami.backoffice.registry.checks import check_channel, check_zone
from openami.backoffice.registry.facts import FactKind
from openami.backoffice.registry.registry import Registry
from openami.io.store.engine import Store
from openami.model.errors import Conflict, SettingError
from openami.model.point import Channel

Take = Callable[[Connection, Sequence[Line]], Sequence[Line]]
ContentOf = Callable[[FactKind, Mapping[str, Any]], Mapping[str, Any]]
ChannelOf = Callable[[int, Mapping[str, Any]], Channel]


class FreshLines:
    """Takes lines into `store`; what they tell is known from `now` on.

    `channel_of` is the channel that a line's values mean, `content_of` what those of a fact tell.
    """

    def __init__(
        self, store: Store, registry: Registry, now: datetime, channel_of: ChannelOf, content_of: ContentOf
    ) -> None:
        self._store = store
        self._registry = registry
        self._now = now
        self._channel_of = channel_of
        self._content_of = content_of
        self._take: dict[str, Take] = {
            "point": self._points,
            "meter": self._meters,
            "channel": self._channels,
            "installation": self._installations,
            "contract": lambda connection, lines: self._facts(connection, FactKind.CONTRACT, lines),
            "topology": lambda connection, lines: self._facts(connection, FactKind.TOPOLOGY, lines),
        }

    def take(self, lines: Sequence[Line]) -> frozenset[int]:
        """Take what is fresh of `lines`, all of one record; the numbers of the lines that were taken."""
        take = self._take.get(lines[0].record) if len(lines) > 1 else None
        if take is None:
            return frozenset()
        try:
            with self._store.transaction() as connection:
                return frozenset(line.number for line in take(connection, lines))
        except Conflict:  # another process was first with one of them: each line by itself
            return frozenset()

    def _points(self, connection: Connection, lines: Sequence[Line]) -> Sequence[Line]:
        known = additions.ids(connection, tables.metering_point.c.code, [line.values["point"] for line in lines])
        once = _once(lines, "point")
        fresh = [line for line in once if line.values["point"] not in known and _lives(line.values["zone"])]
        if fresh:
            points = [NewPoint(*(line.values[name] for name in ("point", "address", "zone"))) for line in fresh]
            additions.add_points(connection, points)
        return fresh

    def _meters(self, connection: Connection, lines: Sequence[Line]) -> Sequence[Line]:
        table = tables.meter.c
        fresh = _once(_once(lines, "meter"), "system_title")
        for column, name in ((table.serial, "meter"), (table.system_title, "system_title")):
            known = additions.ids(connection, column, [line.values[name] for line in fresh])
            fresh = [line for line in fresh if line.values[name] not in known]
        if fresh:
            additions.add_meters(connection, [_meter(line) for line in fresh])
        return fresh

    def _channels(self, connection: Connection, lines: Sequence[Line]) -> Sequence[Line]:
        points = _points_of(connection, lines)
        there = {each.metering_point for each in self._registry.channels_of_points(sorted(points.values()))}
        found = [
            (line, self._channel_of(points[line.values["point"]], line.values))
            for line in _once(_once(lines, "point", "channel"), "point", "obis")
            if line.values["point"] in points and points[line.values["point"]] not in there
        ]
        fresh = [(line, channel) for line, channel in found if _sound(channel)]
        if fresh:
            additions.add_channels(connection, [channel for _, channel in fresh])
        return [line for line, _ in fresh]

    def _installations(self, connection: Connection, lines: Sequence[Line]) -> Sequence[Line]:
        """Those without reads, of meters that nothing was received from yet."""
        points, fresh = _points_of(connection, lines), _once(_once(lines, "point"), "meter")
        meters = additions.ids(connection, tables.meter.c.serial, [line.values["meter"] for line in fresh])
        hung = {each.meter for each in self._registry.installations_of_meters(sorted(meters.values()))}
        hung |= unplaced.meters(connection, sorted(meters.values()))
        used = additions.told_of(connection, FactKind.INSTALLATION, sorted(points.values()))
        free = {serial: meter for serial, meter in meters.items() if meter not in hung}
        fresh = [line for line in fresh if line.values["meter"] in free and not {"opening", "closing"} & {*line.values}]
        new = [
            (line, NewFact(point, line.values["start"], line.values.get("end"), {"meter": free[line.values["meter"]]}))
            for line in fresh
            if (point := points.get(line.values["point"], 0)) and point not in used
        ]
        if new:
            additions.install(connection, [fact for _, fact in new], self._now)
        return [line for line, _ in new]

    def _facts(self, connection: Connection, kind: FactKind, lines: Sequence[Line]) -> Sequence[Line]:
        points = _points_of(connection, lines)
        ever = additions.told_of(connection, kind, sorted(points.values()))
        new = [
            (line, NewFact(point, line.values["start"], line.values.get("end"), self._content_of(kind, line.values)))
            for line in _once(lines, "point")
            if (point := points.get(line.values["point"], 0)) and point not in ever and "correction" not in line.values
        ]
        if new:
            additions.add_facts(connection, kind, [fact for _, fact in new], self._now)
        return [line for line, _ in new]


def _once(lines: Sequence[Line], *names: str) -> list[Line]:
    """Those that alone tell of what they name."""
    keys = [tuple(line.values[name] for name in names) for line in lines]
    often = Counter(keys)
    return [line for line, key in zip(lines, keys, strict=True) if often[key] == 1]


def _points_of(connection: Connection, lines: Sequence[Line]) -> dict[str, int]:
    codes = list(dict.fromkeys(line.values["point"] for line in lines))
    return additions.ids(connection, tables.metering_point.c.code, codes)


def _lives(zone: str) -> bool:
    try:
        check_zone(zone)
    except SettingError:
        return False
    return True


def _meter(line: Line) -> NewMeter:
    values = line.values
    framing = values.get("framing", "wrapper")
    return NewMeter(values["meter"], values["system_title"], values["guarantee"], values.get("link"), framing)


def _sound(channel: Channel) -> bool:
    """Whether `Registry.add_channel` would take it; what it would not is refused there, with its words."""
    try:
        check_channel(channel)
    except SettingError:
        return False
    return True
