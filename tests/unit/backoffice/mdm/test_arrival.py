"""Readings as days: the way for whole days, and the general way that it must agree with."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from openami.backoffice.mdm import arrival
from openami.backoffice.mdm.arrival import Piece, arrange
from openami.backoffice.mdm.channel_days import Sources
from openami.backoffice.mdm.placement import FOREVER, Place
from openami.model.interval import DAY_S
from openami.model.obis import ObisCode
from openami.model.point import Channel, ChannelKind
from openami.model.reading import ProfileReading
from openami.model.unit import Unit

IMPORT = ObisCode(1, 0, 1, 8, 0)
STEP_S, COUNT, DAY = 3_600, 24, 20_000
KNOWN_AT = datetime(2026, 6, 20, tzinfo=UTC)


def piece(number, day=DAY, *, start=0, end=FOREVER, multiplier=1, first=1, last=COUNT):
    """Rows `first` to `last` of a day of point `number`."""
    stamps = day * DAY_S + STEP_S * np.arange(first, last + 1, dtype=np.int64)
    registers = 1_000 * number + np.arange(first, last + 1, dtype=np.int64) ** 2
    status = (np.arange(first, last + 1) % 7 == number).astype(np.uint8)
    reading = ProfileReading(number, IMPORT, STEP_S, stamps, registers, status, KNOWN_AT, number + 70)
    channel = Channel(number, 1, IMPORT, ChannelKind.INTERVAL_ENERGY, Unit.WATT_HOUR, 0, STEP_S, 0, multiplier)
    return Piece(reading, Place(number, start, end, whole_start=True), channel)


def told(found):
    """What arranging gives, in an order of its own."""
    arranged = arrange(STEP_S, found, Sources())
    days = arranged.days
    rows = {
        key: [
            days.registers[row].tolist(),
            days.status[row].tolist(),
            [days.sources.all[at] if at >= 0 else None for at in days.source[row].tolist()],
            days.energy[row].tolist(),
            days.quality[row].tolist(),
        ]
        for row, key in enumerate(days.keys)
    }
    assert len(rows) == len(days)
    return rows, len(arranged.openings), len(arranged.refused), arranged.passed


def generally(found, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(arrival, "_whole_days", lambda *_: None)
        return told(found)


WHOLE = [
    [piece(3)],
    [piece(3), piece(4, multiplier=20), piece(5, DAY + 1)],
    [piece(3, DAY + 1), piece(3), piece(4, start=DAY * DAY_S)],
    [piece(3, start=DAY * DAY_S, end=(DAY + 1) * DAY_S)],
    [piece(3, start=DAY * DAY_S + 1)],
]
OTHERS = [
    [piece(3), piece(3)],
    [piece(3), piece(4, last=23)],
    [piece(3, start=DAY * DAY_S + STEP_S)],
    [piece(3, end=(DAY + 1) * DAY_S - 1)],
    [piece(3, first=0, last=23, start=DAY * DAY_S)],
    [piece(3, 1 << 20)],
    [piece(3), replaced := piece(4)._replace(reading=replace(piece(4).reading, stamps=piece(4).reading.stamps[::-1]))],
    [replaced._replace(reading=replace(replaced.reading, stamps=piece(4).reading.stamps + 1))],
]


@pytest.mark.parametrize("found", WHOLE)
def test_whole_days_are_taken_as_they_are(found, monkeypatch):
    assert arrival._whole_days(STEP_S, found, Sources()) is not None
    assert told(found) == generally(found, monkeypatch)


@pytest.mark.parametrize("found", OTHERS)
def test_all_else_is_placed_row_by_row(found, monkeypatch):
    assert arrival._whole_days(STEP_S, found, Sources()) is None
    assert told(found) == generally(found, monkeypatch)
