"""Channel-days that need no estimate and no second look, many at once: the same columns for the same rules as when one
channel is judged alone.

A day is plain if each of its intervals was measured by one meter that hung there all day, its register is known at
the day's begin and trusted throughout, and nothing else was read in between. Then the day's register difference is the
sum of its intervals, nothing is missing, and what rules need beyond the day itself are statistics and like days.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection, select

from openami.backoffice.mdm.blocks import Matrix, unpack
from openami.backoffice.mdm.channel_days import ABSENT, ChannelDays, Mask
from openami.backoffice.mdm.close.statistics import EMPTY, GOOD, Pair, Statistics
from openami.backoffice.mdm.judged import Judged
from openami.backoffice.mdm.reasons import Outcome, Reason, encode
from openami.backoffice.mdm.status import POWER_DOWN, usable
from openami.backoffice.mdm.tables import interval_block
from openami.backoffice.mdm.validation.check import WHOLE_DAY, Finding, check
from openami.backoffice.mdm.validation.columns import Columns
from openami.backoffice.mdm.validation.own_days import HISTORY_DAYS, LIKE_BACK, LIKE_DAYS, dips, past
from openami.backoffice.mdm.validation.rule_set import Consequence, RuleSet
from openami.backoffice.mdm.verdict import day_reason, interval_reasons
from openami.io.store.among import among
from openami.model.quality import Quality


def plain(days: ChannelDays, before: Statistics, stamped_elsewhere: Mask, hung_all_day: Mask) -> Mask:
    """(m,): which days are plain; `stamped_elsewhere` and `hung_all_day` are what registry and registers say."""
    meter = days.sources.meters()[np.where(usable(days.status), days.source, ABSENT)]
    opening = before.meters[:, 0, -1]
    one_meter = (meter == opening[:, None]).all(axis=1) & (opening != 0)
    measured = (days.quality == Quality.MEASURED).all(axis=1)
    return np.asarray(measured & one_meter & hung_all_day & ~stamped_elsewhere & (before.states[:, -2] != EMPTY))


def columns_of(days: ChannelDays, rows: Any, before: Statistics, profile: Matrix | None) -> Columns:
    """The columns of the plain days `rows`."""
    energy, status = days.energy[rows], days.status[rows]
    total, ones = energy.sum(axis=1), np.ones(len(energy), dtype=np.bool_)
    window = slice(-1 - HISTORY_DAYS, -1)
    count, mean, deviation, peak = past(
        before.states[rows, window] == GOOD, before.totals[rows, window], before.peaks[rows, window]
    )
    registers = np.concatenate((before.registers[rows, 0], days.registers[rows]), axis=1)
    opening = before.meters[rows, 0]
    meters = np.concatenate((opening, np.repeat(opening[:, -1:], energy.shape[1], axis=1)), axis=1)
    return Columns(
        days.resolution_s,
        energy,
        np.zeros(energy.shape, dtype=np.bool_),
        status,
        outage=np.asarray((status & np.uint8(POWER_DOWN)) != 0),
        installed=np.ones(energy.shape, dtype=np.bool_),
        dip=dips(registers, meters)[:, opening.shape[1] :],
        profile=profile,
        register=total,
        register_known=ones,
        history_days=count,
        history_mean=mean,
        history_sd=deviation,
        history_peak=peak,
        estimated_days=np.zeros(len(energy), dtype=np.int64),
    )


def like_days(
    connection: Connection, pairs: Sequence[Pair], day: int, states: Any, offset_s: Matrix, intervals: int
) -> Matrix:
    """(m, intervals): the mean of the nearest three like days that are good, 0 where there are not three.

    `states` and `offset_s` are (m, DAYS) up to and including `day`.
    """
    total, count = np.zeros((len(pairs), intervals), dtype=np.int64), np.zeros(len(pairs), dtype=np.int64)
    for back in LIKE_BACK:
        same_time = offset_s[:, -1 - back] == offset_s[:, -1]
        fits = np.flatnonzero((states[:, -1 - back] == GOOD) & same_time & (count < LIKE_DAYS))
        if len(fits):
            total[fits] += _energies(connection, [pairs[at] for at in fits.tolist()], day - back, intervals)
            count[fits] += 1
    return np.where((count == LIKE_DAYS)[:, None], total // LIKE_DAYS, 0)


def _energies(connection: Connection, pairs: Sequence[Pair], day: int, intervals: int) -> Matrix:
    """(m, intervals): the current energies of `pairs`, all of which are stored."""
    table = interval_block.c
    query = select(table.metering_point, table.channel, table.energy).where(
        among(table.metering_point, list(dict.fromkeys(point for point, _ in pairs))), table.day == day
    )
    packed = {(row[0], row[1]): row[2] for row in connection.execute(query.order_by(table.version)).all()}
    return unpack([packed[pair] for pair in pairs], intervals)


def findings(columns: Columns, rule_set: RuleSet) -> tuple[Mask, list[Finding]]:
    """(m,): where a rule refuses anything; and all that the rules found."""
    found = list(check(columns, rule_set.uses))
    refused = np.zeros(len(columns), dtype=np.bool_)
    for each in found:
        if each.use.consequence is Consequence.REFUSE:
            refused[each.rows] = True
    return refused, found


def judgements(
    pairs: Sequence[Pair], day: int, versions: Sequence[int], columns: Columns, name: str, found: Sequence[Finding]
) -> Iterator[Judged]:
    """Of each plain day that it stands as measured, and what the rules noted."""
    reasons: dict[int, list[Reason]] = {}
    for each in found:
        for row, reason in _reasons(each, columns):
            reasons.setdefault(row, []).append(reason)
    totals = columns.total().tolist()
    for row, pair in enumerate(pairs):
        told = encode(reasons[row]) if row in reasons else None
        content = versions[row], name, totals[row], 0, 0, None, None, told
        yield Judged(pair[0], day, pair[1], columns.resolution_s, content)


def _reasons(found: Finding, columns: Columns) -> Iterator[tuple[int, Reason]]:
    if found.intervals[0] == WHOLE_DAY:
        for row in found.rows.tolist():
            yield row, day_reason(found.use, columns, row, Outcome.NOTED)
        return
    edges = np.flatnonzero(np.diff(found.rows)) + 1
    firsts = [0, *edges.tolist()]
    for first, intervals in zip(firsts, np.split(found.intervals, edges), strict=True):
        row = int(found.rows[first])
        for reason in interval_reasons(found.use, columns, row, intervals, np.zeros_like(intervals)):
            yield row, reason
