"""Read-outs of one device, again and again: the shape of the text is learned, and only its numbers are read.

A device repeats its lines: addresses, units and the number of decimals stay. The second read-out of a shape makes a
pattern of all its lines; each later one is compared in one go. `measurements(decode_data_sets(text))` is the oracle.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from openami.model.measurement import Measurement
from openami.model.obis import ObisCode
from openami.model.quality import Quality
from openami.model.quantity import Quantity
from openami.model.unit import Unit
from openami.protocols.iec62056_21.data_set import TEXT_MAX, DataSet, decode_data_sets
from openami.protocols.iec62056_21.measurements import CENTRAL_EUROPE_S, code, measurements, value_of
from openami.protocols.iec62056_21.p1 import located, split_p1

SHAPES_MAX: Final = 1024
SHAPES_PER_KEY_MAX: Final = 8
ELECTRICITY: Final = 1
LINES_MAX: Final = 400
_NUMBER: Final = re.compile(r"\d{1,32}(?:\.(\d{1,16}))?")
_MEASURED: Final = Quality.MEASURED
_new = tuple.__new__
"""A named tuple's own constructor costs a call more."""


class _Number(NamedTuple):
    """A set of one number: the group of the pattern that holds it, and what it counts."""

    group: int
    name: ObisCode | str
    scaler: int
    unit: Unit


class _Single(NamedTuple):
    """A set of one value that need not be a number."""

    group: int
    name: ObisCode | str


class _Other(NamedTuple):
    """Any other set: its address and the groups of its values."""

    address: str
    first: int
    behind: int


class Shape(NamedTuple):
    """The pattern of a whole text, and what its groups are; `numbers` where each of them is one."""

    pattern: re.Pattern[str]
    steps: tuple[_Number | _Single | _Other, ...]
    numbers: tuple[tuple[ObisCode | str, int, Unit], ...] = ()


class Readouts:
    """Shapes by number of values and first address; bounded."""

    def __init__(self, *, winter_s: int = CENTRAL_EUROPE_S, medium: int = ELECTRICITY) -> None:
        self._winter_s = winter_s
        self._medium = medium
        self._shapes: dict[tuple[int, str], list[Shape]] = {}

    def read(self, text: str, remark: str = "") -> list[Measurement]:
        """Every value of the data sets in `text`; raises `DecodeError` as `decode_data_sets` does."""
        key = (text.count("("), text[: text.find("(")][:32])
        shapes = self._shapes.get(key)
        for shape in shapes or ():
            match = shape.pattern.fullmatch(text)
            if match is not None:
                return self._by(shape, match.groups(), remark)
        sets = decode_data_sets(text)
        self._learn(key, shapes, sets, text)
        return measurements(sets, winter_s=self._winter_s, medium=self._medium, remark=remark)

    def read_p1(self, data: bytes, *, check: bool = True) -> list[Measurement]:
        """The values of a P1 telegram; raises as `decode_p1` does."""
        parts = split_p1(data, check=check)
        with located(parts):
            return self.read(parts.body)

    def _by(self, shape: Shape, groups: Sequence[str], remark: str) -> list[Measurement]:
        if shape.numbers:
            return [
                _new(
                    Measurement,
                    (
                        name,
                        _new(Quantity, (int(text.replace(".", "")), scaler, unit)),
                        None,
                        _MEASURED,
                        None,
                        remark,
                        None,
                        "",
                    ),
                )
                for (name, scaler, unit), text in zip(shape.numbers, groups, strict=True)
            ]
        found: list[Measurement] = []
        for step in shape.steps:
            if isinstance(step, _Number):
                group, name, scaler, unit = step
                value = Quantity(int(groups[group].replace(".", "")), scaler, unit)
                found.append(Measurement(name, value, None, _MEASURED, None, remark))
            elif isinstance(step, _Single):
                group, name = step
                found.append(Measurement(name, value_of(name, groups[group]), None, _MEASURED, None, remark))
            else:
                address, first, behind = step
                found += measurements(
                    (DataSet(address, tuple(groups[first:behind])),),
                    winter_s=self._winter_s,
                    medium=self._medium,
                    remark=remark,
                )
        return found

    def _learn(self, key: tuple[int, str], shapes: list[Shape] | None, sets: list[DataSet], text: str) -> None:
        if shapes is None:
            if len(self._shapes) >= SHAPES_MAX:
                self._shapes.clear()
            self._shapes[key] = []
        elif len(shapes) < SHAPES_PER_KEY_MAX and len(sets) <= LINES_MAX and len(text) <= TEXT_MAX:
            shapes.append(_shape(sets, text, self._medium))


def _shape(sets: Sequence[DataSet], text: str, medium: int) -> Shape:
    steps: list[_Number | _Single | _Other] = []
    pattern: list[str] = []
    at = group = 0
    for address, values in sets:
        end = at
        for value in values:
            begin = text.index("(", end)
            pattern.append(re.escape(text[end:begin]) + r"\(")
            end = begin + len(value) + 2
            step = _number(address, value, group, medium) if len(values) == 1 else None
            if step is None:
                pattern.append(r"([^()\r\n]*)\)")
                if len(values) == 1:
                    steps.append(_Single(group, code(address, medium)))
            else:
                decimals = rf"\.\d{{{len(value.partition('*')[0].partition('.')[2])}}}" if "." in value else ""
                _, star, unit = value.partition("*")
                pattern.append(rf"(\d+{decimals}){re.escape(star + unit)}\)")
                steps.append(step)
            group += 1
        if len(values) > 1:
            steps.append(_Other(address, group - len(values), group))
        at = end
    numbers = tuple(step[1:] for step in steps if isinstance(step, _Number))
    whole = re.compile("".join(pattern) + re.escape(text[at:]), re.ASCII)
    return Shape(whole, tuple(steps), numbers if len(numbers) == len(steps) else ())


def _number(address: str, text: str, group: int, medium: int) -> _Number | None:
    """What stays of a set of one number without sign; None for anything else."""
    number, _, _ = text.partition("*")
    name = code(address, medium)
    value = value_of(name, text)
    match = _NUMBER.fullmatch(number)
    if not isinstance(value, Quantity) or match is None or ("." in text.partition("*")[2]):
        return None
    return _Number(group, name, value.scaler, value.unit)
