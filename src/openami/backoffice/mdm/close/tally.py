"""A chunk of a close counted: what arrived of each channel and when, what was judged, by collector and cause."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, select

from openami.backoffice.mdm import judged
from openami.backoffice.mdm.channel_days import Column, Mask
from openami.backoffice.mdm.close.counts import Count, Counts, deadlines
from openami.backoffice.mdm.close.members import Members, Work
from openami.backoffice.mdm.judged import Judged
from openami.backoffice.mdm.tables import interval_block
from openami.backoffice.operations.tables import job
from openami.io.store.among import among
from openami.model.interval import DAY_S

NOTHING_ARRIVED = "nothing arrived"
INCOMPLETE = "incomplete"
NO_GAP = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, eq=False)
class Arrivals:
    """(m,) of a day's channels: whether anything came; all intervals measured in the end, by the morning after and by
    the day of billing; anything came or changed after that morning.
    """

    there: Mask
    whole: Mask
    by_deadline: Mask
    by_billing: Mask
    late: Mask


def arrivals(connection: Connection, members: Members, work: Work) -> Arrivals:
    """What arrived of the day, by all versions of its blocks."""
    there, whole, by_deadline, by_billing, late = np.zeros((5, len(members.pairs)), dtype=np.bool_)
    table, place = interval_block.c, {pair: row for row, pair in enumerate(members.pairs)}
    query = select(table.metering_point, table.channel, table.version, table.known_at, table.missing)
    found = connection.execute(query.where(among(table.metering_point, work.points), table.day == work.day)).all()
    at = [(place[point, channel], *rest) for point, channel, *rest in found if (point, channel) in place]
    row, version, known_at, missing = np.array(at, dtype=np.int64).reshape(-1, 4).T
    ends = {zone: deadlines(work.day, zone) for zone in dict.fromkeys(members.zones)}
    due, usable = np.array([ends[zone] for zone in members.zones], dtype=np.int64).reshape(-1, 2).T
    complete = missing == 0
    there[row] = True
    by_deadline[row[complete & (known_at <= due[row])]] = True
    by_billing[row[complete & (known_at <= usable[row])]] = True
    late[row[known_at > due[row]]] = True
    order = np.argsort(version, kind="stable")
    whole[row[order]] = complete[order]
    return Arrivals(there, whole, by_deadline, by_billing, late)


def tally(connection: Connection, members: Members, work: Work, found: Sequence[Judged], gap_since: Column) -> Counts:
    """What is counted of the day, of channels that a meter hung at."""
    came = arrivals(connection, members, work)
    sums = _sums(members, work, found)
    lacking = np.flatnonzero(members.expected & ~came.whole).tolist()
    causes = _causes(connection, [members.meters[row] for row in lacking])
    told = [""] * len(members.pairs)
    for row in lacking:
        told[row] = causes.get(members.meters[row]) or (INCOMPLETE if came.there[row] else NOTHING_ARRIVED)
    rows = np.flatnonzero(members.expected)
    keys = [(members.collectors[row], told[row]) for row in rows.tolist()]
    group = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    number = np.array([group[key] for key in keys], dtype=np.intp)
    flags = np.stack([np.ones(len(came.late), dtype=np.bool_), came.by_deadline, came.by_billing, came.late], axis=1)
    counted = np.zeros((len(group), 4 + sums.shape[1]), dtype=np.int64)
    np.add.at(counted, number, np.concatenate((flags, sums), axis=1)[rows])
    oldest = np.full(len(group), NO_GAP, dtype=np.int64)
    np.minimum.at(oldest, number, np.where(gap_since < 0, NO_GAP, gap_since)[rows])
    gaps = [None if gap == NO_GAP else gap for gap in oldest.tolist()]
    return {key: Count(*row) for key, *row in zip(group, *counted.T.tolist(), gaps, strict=True)}


def _sums(members: Members, work: Work, found: Sequence[Judged]) -> Any:
    """(m, 6): intervals, measured, estimated, missing, energy, energy of estimates, as judged."""
    place = {pair: row for row, pair in enumerate(members.pairs)}
    intervals = DAY_S // members.resolutions
    energy, missing, estimated, guessed = np.zeros((4, len(intervals)), dtype=np.int64)
    missing += intervals
    for one in found:
        if one.day == work.day:
            row = place[one.metering_point, one.channel]
            _, _, energy[row], missing[row], estimated[row], values, quality, _ = one.content
            if values is not None:
                guessed[row] = judged.estimated_energy(values, quality, int(intervals[row]))
    return np.stack([intervals, intervals - missing - estimated, estimated, missing, energy, guessed], axis=1)


def _causes(connection: Connection, meters: Sequence[int]) -> dict[int, str]:
    """Why the last job that did not bring a meter's readings failed."""
    query = select(job.c.meter, job.c.cause).where(among(job.c.meter, meters), job.c.cause.is_not(None))
    return {meter: cause for meter, cause in connection.execute(query.order_by(job.c.id)).all()}  # noqa: C416 - rows
