"""A district as a file: who lives where, behind which transformer, with what; how stations are joined; faults."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from openami.model.errors import SettingError
from openami.simulation.power_line import PowerLine
from openami.simulation.radio import Radio

ON_THE_MEDIUM = ("replayed-frames", "replayed-join", "flood", "rogue-meter", "forged-relay", "lying-rank")
"""Kinds of faults whose adversary has a place on the medium, beside the house `target` (or the first one)."""

Positive = Annotated[int, Meta(ge=0)]


class House(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A household and its meter. `phase` is 1 to 3, or 0 for all three; `load` is a replayed real household."""

    name: str
    x_m: int
    y_m: int
    street: str
    transformer: str
    phase: Annotated[int, Meta(ge=0, le=3)]
    load: str
    weeks_back: int
    pv_w: Positive = 0
    heat_pump_w: Positive = 0


class Collector(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The root of a mesh. On power line it serves one transformer."""

    name: str
    x_m: int
    y_m: int
    transformer: str = ""


class Reading(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How meters capture and push; see `MeterConfig`."""

    capture_period_s: int = 900
    push_rows: int = 4
    push_spread_s: int = 2400
    push_retries: int = 60
    push_repetition_s: int = 300
    hold_up_ms: Positive = 3000
    drift_ppm_max: Positive = 3


class Operations(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the back office is asked to do: every `campaign_every_s` to read some meters over circuits, every
    `ask_every_s` one of them at once (0: never).
    """

    campaign_every_s: Annotated[int, Meta(ge=60)] = 3600
    campaign_meters: Positive = 4
    deadline_s: Annotated[int, Meta(ge=60)] = 3600
    ask_every_s: Positive = 2700


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`kind` from `at_s` (seconds after the start) for `for_s`. `target` names whom; none: chance chooses.

    `amount` is how many, how many dB, how many frames, or how many seconds, as the kind says (`faults`).
    """

    kind: str
    at_s: Positive
    for_s: Positive = 0
    target: str = ""
    amount: int = 1


class District(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All that a run needs but its seed. `start` is UTC."""

    name: str
    seed: int
    start: str
    medium: Literal["radio", "power-line"]
    houses: list[House]
    collectors: list[Collector]
    radio: Radio = Radio()
    power_line: PowerLine = PowerLine()
    reading: Reading = Reading()
    operations: Operations = Operations()
    faults: list[Fault] = []

    def __post_init__(self) -> None:
        if not self.collectors or not self.houses:
            raise SettingError(f"district {self.name} needs a collector and a house")
        names = [one.name for one in self.stations]
        if len(set(names)) != len(names):
            raise SettingError(f"district {self.name}: two stations have one name")

    @property
    def stations(self) -> list[Collector | House]:
        """Everybody who has a place: first the collectors, then the houses."""
        return [*self.collectors, *self.houses]


def load_district(path: Path) -> District:
    """Read a district's file; raise `SettingError` that says what is wrong with it."""
    try:
        return msgspec.convert(tomllib.loads(path.read_text()), District)
    except FileNotFoundError as error:
        raise SettingError(f"there is no district file {path}; `openami district new` makes one") from error
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise SettingError(f"district file {path}: {error}") from error


def district_text(district: District) -> str:
    """The file of a district, which `load_district` reads."""
    return "\n".join(_lines(district)) + "\n"


def _lines(district: District) -> Iterator[str]:
    for name in ("name", "seed", "start", "medium"):
        yield f"{name} = {_value(getattr(district, name))}"
    for section in ("radio", "power_line", "reading", "operations"):
        yield f"\n[{section}]"
        yield from (
            f"{key} = {_value(value)}" for key, value in msgspec.to_builtins(getattr(district, section)).items()
        )
    for section in ("collectors", "houses", "faults"):
        for entry in getattr(district, section):
            yield f"\n[[{section}]]"
            yield from (f"{key} = {_value(value)}" for key, value in msgspec.to_builtins(entry).items())


def _value(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_value(one) for one in value)}]"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value)
