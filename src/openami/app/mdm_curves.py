"""Load curves for the truth score: those that come with the package, and others from a file."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import numpy as np
import numpy.typing as npt

from openami.field.meter.real_curves import SOURCES, load
from openami.model.errors import SettingError
from openami.model.interval import DAY_S

DAYS_MAX = 364
DAYS_MIN = 60
WH_MAX = 10**12


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Whole UTC days of one household without a gap, (days, intervals) in Wh."""

    name: str
    resolution_s: int
    first_day: int
    energy: npt.NDArray[np.int64]


def shipped_curves() -> Iterator[Curve]:
    """The longest run without a gap of each load curve that comes with the package, a year at most."""
    for name in SOURCES:
        window = load(name).longest()
        yield _whole_days(name, window.start_s, window.interval_s, window.energy_wh)


def curves_of(file: Path) -> Iterator[Curve]:
    """The longest run without a gap of each household in a CSV file, which may be packed by gzip.

    Its columns are household, begin of the interval (ISO 8601, UTC if it names no zone) and kWh, under a header line.
    Of a stamp that comes twice the first row counts. Households without 60 whole days in a row are left out. Raises
    `SettingError` that names the line.
    """
    households: dict[str, dict[int, int]] = {}
    with _opened(file) as text:
        rows = csv.reader(text)
        next(rows, None)
        for number, row in enumerate(rows, start=2):
            name, begin, energy_wh = _row(file, number, row)
            households.setdefault(name, {}).setdefault(begin, energy_wh)
    for name, values in households.items():
        found = _longest(name, values)
        if found is not None:
            yield found


def _opened(file: Path) -> TextIO:
    return gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else file.open(encoding="utf-8")


def _row(file: Path, number: int, row: list[str]) -> tuple[str, int, int]:
    try:
        name, begin, value = row
        at = datetime.fromisoformat(begin)
        energy_wh = round(float(value) * 1_000)
        if not 0 <= energy_wh < WH_MAX:
            raise ValueError(value)
        return name, int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()), energy_wh
    except (ValueError, OverflowError) as error:
        raise SettingError(f"{file} line {number}: {','.join(row)!r} is not household, begin, kWh") from error


def _longest(name: str, values: dict[int, int]) -> Curve | None:
    begins = np.array(sorted(values), dtype=np.int64)
    if len(begins) < 2:
        return None
    steps = np.diff(begins)
    step = int(np.median(steps))
    if DAY_S % step:
        return None
    runs = np.split(begins, np.flatnonzero(steps != step) + 1)
    longest = max(runs, key=len)
    if longest[0] % step or len(longest) * step < (DAYS_MIN + 2) * DAY_S:
        return None
    energy = np.array([values[begin] for begin in longest.tolist()], dtype=np.int64)
    return _whole_days(name, int(longest[0]), step, energy)


def _whole_days(name: str, start_s: int, step: int, energy: npt.NDArray[np.int64]) -> Curve:
    first = -(-start_s // DAY_S)
    days = min((start_s + len(energy) * step) // DAY_S - first, DAYS_MAX)
    begin = (first * DAY_S - start_s) // step
    return Curve(name, step, first, energy[begin : begin + days * DAY_S // step].reshape(days, -1))
