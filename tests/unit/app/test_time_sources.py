"""The guard's time sources: what is moved, cannot be read or is no clock stops the sealing, not the guard's memory."""

from __future__ import annotations

import pytest

from openami.app.time_sources import time_sources
from openami.backoffice.guard.clocks import ClockDisagreement, agreed_time
from openami.io.clock import SystemClock
from openami.model.errors import SecurityError, SettingError

CLOCK = SystemClock()
OWN = ("system", "monotonic", "boottime")


class Moved:
    """The system's clock, which somebody moves; counters go on."""

    moved = 0.0

    def time(self):
        return CLOCK.time() + self.moved

    def monotonic(self):
        return CLOCK.monotonic()


def agreed(sources):
    return agreed_time([read() for read in sources])


def test_a_clock_that_is_moved_while_the_guard_runs_sets_the_sources_apart():
    clock = Moved()
    sources = time_sources(clock, OWN)
    assert abs(agreed(sources) - CLOCK.time()) < 1
    clock.moved = 3600.0
    with pytest.raises(ClockDisagreement):
        agreed(sources)


@pytest.mark.parametrize("names", [OWN, ("system", "monotonic", "rtc")])
def test_a_clock_that_was_moved_before_is_found_by_a_clock_of_its_own_only(tmp_path, names):
    battery = tmp_path / "since_epoch"
    battery.write_text(f"{CLOCK.time():.0f}\n")
    clock = Moved()
    clock.moved = -3600.0
    sources = time_sources(clock, [f"rtc:{battery}" if name == "rtc" else name for name in names])
    if names is OWN:
        assert abs(agreed(sources) - CLOCK.time() + 3600) < 1, "three counters of one machine agree on the wrong time"
        return
    with pytest.raises(ClockDisagreement):
        agreed(sources)


@pytest.mark.parametrize("content", ["", "yesterday", None])
def test_a_source_that_cannot_be_read_seals_nothing(tmp_path, content):
    file = tmp_path / "since_epoch"
    if content is not None:
        file.write_text(content)
    with pytest.raises(SecurityError, match="nothing is sealed"):
        agreed(time_sources(CLOCK, ("system", "monotonic", f"rtc:{file}")))


def test_what_is_no_clock_is_refused(tmp_path):
    file = tmp_path / "no-clock"
    file.touch()
    with pytest.raises(SecurityError, match="nothing is sealed"):
        agreed(time_sources(CLOCK, ("system", "monotonic", f"ptp:{file}")))
    with pytest.raises(SettingError, match="No such file"):
        time_sources(CLOCK, ("system", "monotonic", f"ptp:{tmp_path / 'absent'}"))
    for names in (("system",), ("system", "system", "monotonic"), ("system", "monotonic", "sundial"), (*OWN, "rtc")):
        with pytest.raises(SettingError, match=r"guard\.clocks"):
            time_sources(CLOCK, names)
