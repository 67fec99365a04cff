"""What data sets say, in the project's one vocabulary.

Reduced identification codes (`1.8.0`) are completed with the medium and channel 0; the letters C, F, L and P stand
for the groups 96 to 99. Codes of fewer groups keep the meter's own text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from openami.model.measurement import Measurement
from openami.model.obis import ObisCode
from openami.model.quality import Quality
from openami.model.quantity import Quantity
from openami.model.unit import Unit
from openami.protocols.iec62056_21.data_set import DataSet

CENTRAL_EUROPE_S: Final = 3600
"""Seconds that winter time is ahead of UTC where P1 comes from; Ireland's is 0."""
_SUMMER_S: Final = 3600
_ELECTRICITY: Final = 1
_CODE: Final = re.compile(r"(?:(\d{1,3})-(\d{1,3}):)?(\d{1,3}|[CFLP])\.(\d{1,3})\.(\d{1,3})(?:[*&](\d{1,3}))?")
_NUMBER: Final = re.compile(r"[+-]?\d+(?:\.\d*)?")
_STAMP: Final = re.compile(r"\d{12}[SW]?", re.ASCII)
_LETTERS: Final = {"C": "96", "F": "97", "L": "98", "P": "99"}
_TEXTS: Final = frozenset({(0, 2), (42, 0), (96, 1), (96, 13), (96, 14), (96, 50), (96, 5), (0, 0), (97, 97)})
"""Groups C and D whose digits are an identification or a code, not a number."""
_MEASURED: Final = Quality.MEASURED
_COUNT: Final = (Unit.COUNT, 0)
_EVENT_LOG, _MAXIMA, _HOURLY = (99, 97, 0), (98, 1, 0), (24, 3, 0)
_BASES: Final = {
    "Wh": Unit.WATT_HOUR,
    "W": Unit.WATT,
    "varh": Unit.VAR_HOUR,
    "var": Unit.VAR,
    "VAh": Unit.VOLT_AMPERE_HOUR,
    "VA": Unit.VOLT_AMPERE,
    "V": Unit.VOLT,
    "A": Unit.AMPERE,
    "Hz": Unit.HERTZ,
    "J": Unit.JOULE,
    "m3": Unit.CUBIC_METRE,
    "m3ph": Unit.CUBIC_METRE_PER_HOUR,
    "m3/h": Unit.CUBIC_METRE_PER_HOUR,
    "dm3": Unit.LITRE,
    "l": Unit.LITRE,
    "s": Unit.SECOND,
    "secs": Unit.SECOND,
    "min": Unit.MINUTE,
    "h": Unit.HOUR,
    "C": Unit.DEGREE_CELSIUS,
    "K": Unit.KELVIN,
    "%": Unit.PERCENT,
    "deg": Unit.DEGREE,
    "bar": Unit.BAR,
}
_PREFIXED: Final = ("Wh", "W", "varh", "var", "VAh", "VA", "V", "A", "J")
_UNITS: Final = {name.lower(): (unit, 0) for name, unit in _BASES.items()} | {
    (prefix + name).lower(): (_BASES[name], power)
    for prefix, power in (("k", 3), ("M", 6), ("G", 9))
    for name in _PREFIXED
}


def measurements(
    sets: Iterable[DataSet], *, winter_s: int = CENTRAL_EUROPE_S, medium: int = _ELECTRICITY, remark: str = ""
) -> list[Measurement]:
    """Every value of the data sets, logs and lists of maxima taken apart.

    A set may begin with the time of its value. Times with S or W become UTC, `winter_s` seconds being what winter
    time is ahead of it; times without are local, and stay as a remark. `remark` is added to every value.
    """
    found: list[Measurement] = []
    for address, values in sets:
        name = code(address, medium)
        if len(values) == 1:
            found.append(Measurement(name, value_of(name, values[0]), None, _MEASURED, None, remark))
            continue
        kind = (name.c, name.d, name.e) if isinstance(name, ObisCode) else None
        if kind == _EVENT_LOG:
            found += _log(values, winter_s, remark, 1)
        elif kind == _MAXIMA:
            found += _log(values, winter_s, remark, 2)
        elif kind == _HOURLY and len(values) == 7:
            found.append(_hourly(values, winter_s, remark))
        else:
            found += _several(name, values, winter_s, remark)
    return found


@lru_cache(maxsize=4096)
def code(address: str, medium: int = _ELECTRICITY) -> ObisCode | str:
    """The OBIS code that `address` writes, or the address itself."""
    match = _CODE.fullmatch(address)
    if match is None:
        return address
    a, b, c, d, e, f = match.groups()
    groups = (a or medium, b or 0, _LETTERS.get(c, c), d, e, f or 255)
    numbers = tuple(int(group) for group in groups)
    return ObisCode(*numbers) if max(numbers) <= 255 else address


def value_of(name: ObisCode | str, text: str) -> Quantity | str | None:
    """The value in one pair of brackets: a quantity, or the text if it is no number; None if it is empty."""
    number, star, unit = text.partition("*")
    if not star and (not text or (isinstance(name, ObisCode) and (name.c, name.d) in _TEXTS)):
        return text or None
    known, power = _unit(unit) if star else _COUNT
    whole, _, fraction = number.partition(".")
    digits = whole + fraction
    if not (whole and digits.isdecimal() and digits.isascii()) and _NUMBER.fullmatch(number) is None:
        return text
    return Quantity(int(digits), power - len(fraction), known)


@lru_cache(maxsize=1024)
def _unit(name: str) -> tuple[Unit, int]:
    return _UNITS.get(name.lower(), (Unit.OTHER, 0))


@lru_cache(maxsize=4096)
def stamp(text: str, winter_s: int = CENTRAL_EUROPE_S) -> datetime | None:
    """UTC of `YYMMDDhhmmss` with S (summer) or W (winter); None without the letter or for what is no time."""
    if len(text) != 13 or _STAMP.fullmatch(text) is None:
        return None
    year, month, day, hour, minute, second = (int(text[at : at + 2]) for at in range(0, 12, 2))
    try:
        local = datetime(_century(year), month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    return local - timedelta(seconds=winter_s + _SUMMER_S * (text[12] == "S"))


def _century(year: int) -> int:
    """Two digits as the C library reads them: 69 to 99 are of the last century."""
    return year + (1900 if year >= 69 else 2000)


def _several(name: ObisCode | str, values: tuple[str, ...], winter_s: int, remark: str) -> list[Measurement]:
    time, told = None, remark
    if _STAMP.fullmatch(values[0]):
        time = stamp(values[0], winter_s)
        told = remark if time else _joined(remark, f"local time {values[0]}")
        values = values[1:]
    return [Measurement(name, value_of(name, text), time, remark=told) for text in values]


def _log(values: tuple[str, ...], winter_s: int, remark: str, names: int) -> list[Measurement]:
    """`(count)(name…)` and then per entry as many times as names, the last being the event's, and its value."""
    if len(values) < 1 + names:
        return []
    name = code(values[names])
    entries = values[1 + names :]
    found: list[Measurement] = []
    for at in range(0, len(entries) - names, names + 1):
        time = stamp(entries[at + names - 1], winter_s)
        about = _joined(remark, f"period {entries[at]}") if names > 1 else remark
        found.append(Measurement(name, value_of(name, entries[at + names]), time, remark=about))
    return found


def _hourly(values: tuple[str, ...], winter_s: int, remark: str) -> Measurement:
    """`(time)(status)(period)(count)(name)(unit)(value)`, as DSMR 2 and 3 send the last hour of gas."""
    name = code(values[4])
    time = stamp(values[0], winter_s)
    about = remark if time else _joined(remark, f"local time {values[0]}")
    return Measurement(name, value_of(name, f"{values[6]}*{values[5]}"), time, remark=about)


def _joined(first: str, second: str) -> str:
    return f"{first}; {second}" if first else second
