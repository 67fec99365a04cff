"""Where the guard reads the time: three sources by name, of which a moved one sets the others apart.

    system              the system's clock, as NTP or chrony keeps it
    monotonic           a counter of the kernel, anchored to the system's clock when the guard starts
    boottime            the same, which goes on while the machine sleeps
    rtc, rtc:FILE       the battery-backed clock, as Linux shows it in a file (seconds since 1970, UTC)
    ptp:DEVICE          a hardware clock such as /dev/ptp0: of a network card, or the host's in a virtual machine

The first three share the machine's oscillator: they catch a clock that is moved while the guard runs. The last two are
clocks of their own: they catch one that was moved before it started as well.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from openami.backoffice.guard.clocks import SOURCES
from openami.io.clock import Clock
from openami.model.errors import SecurityError, SettingError

RTC: Final = Path("/sys/class/rtc/rtc0/since_epoch")
_DYNAMIC_CLOCK: Final = 3
"""A clock behind an open file has the id `~descriptor << 3 | 3` (Linux, clock_gettime(2))."""
Source = Callable[[], float]


def time_sources(clock: Clock, names: Sequence[str]) -> tuple[Source, ...]:
    """The sources that a setting names; raises `SettingError` for others, or if they are not three different ones."""
    if len(names) != SOURCES or len(dict.fromkeys(names)) != SOURCES:
        raise SettingError(f"guard.clocks names {len(names)} sources: {SOURCES} different ones have to agree")
    return tuple(_source(clock, name) for name in names)


def _source(clock: Clock, name: str) -> Source:
    kind, _, where = name.partition(":")
    match kind:
        case "system" if not where:
            return clock.time
        case "monotonic" if not where:
            return anchored(clock, clock.monotonic)
        case "boottime" if not where:
            return anchored(clock, lambda: time.clock_gettime(time.CLOCK_BOOTTIME))
        case "rtc":
            return written(Path(where) if where else RTC)
        case "ptp" if where:
            return hardware(Path(where))
    raise SettingError(f"guard.clocks: {name!r} is none of system, monotonic, boottime, rtc, rtc:FILE, ptp:DEVICE")


def anchored(clock: Clock, counter: Source) -> Source:
    """What the system's clock showed now, and what a counter has counted since."""
    offset = clock.time() - counter()
    return lambda: offset + counter()


def written(file: Path) -> Source:
    """The seconds in a file that is read anew each time; raises `SecurityError` when it holds none."""

    def read() -> float:
        try:
            return float(file.read_text(encoding="ascii"))
        except (OSError, ValueError) as error:
            raise SecurityError(f"time source {file} cannot be read, so nothing is sealed: {error}") from error

    return read


def hardware(device: Path) -> Source:
    """A clock behind a device, which stays open; raises `SettingError` if it cannot be opened."""
    try:
        descriptor = os.open(device, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise SettingError(f"guard.clocks: {device}: {error.strerror}") from error

    def read() -> float:
        try:
            return time.clock_gettime(~descriptor << _DYNAMIC_CLOCK | _DYNAMIC_CLOCK)
        except OSError as error:
            raise SecurityError(f"time source {device} cannot be read, so nothing is sealed: {error}") from error

    return read
