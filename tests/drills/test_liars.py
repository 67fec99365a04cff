"""The tests of reading meters and taking their pushes, run again with a head-end that lies, and with such a collector.

What a test expected may be in vain then: whoever carries can always drop. But whatever he does, in each rig that the
test has made nothing stands in the store that no meter said, nothing was done to a meter, what counts as read is whole,
and what is missing is told.
"""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

import operations_rig
from liars import LIES, BehindCollector, Liar, LyingFace, LyingSpool, lying_take
from openami.backoffice.operations import JobState
from openami.field.collector.lanes import Lanes
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.faces.service import FramingKind
from openami.model.quality import Quality
from openami.protocols.dlms import security
from operations_rig import DAY, IMPORT, NEXT, Rig

TESTS = (
    "test_a_day_of_three_meters_is_read",
    "test_registers_events_clock_and_evidence_come_along",
    "test_only_holes_are_read_again",
    "test_a_meter_that_comes_back_is_read",
    "test_two_campaigns_never_read_one_meter_at_the_same_time",
    "test_on_demand",
    "test_a_push_becomes_an_event_with_evidence_once",
    "test_pushed_rows_of_the_load_profile_become_values",
    "test_pushes_become_incidents_and_what_nobody_verified_is_only_the_head_ends_claim",
)
# A test that failed on a lie leaves its rig to the garbage collector, with what was open.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
POSITIONS = ("head-end", "collector")
TITLES = [b"OAM" + (1000 + number).to_bytes(5, "big") for number in range(3)]
DIALLED = {
    "test_only_holes_are_read_again",
    "test_a_meter_that_comes_back_is_read",
    "test_two_campaigns_never_read_one_meter_at_the_same_time",
    "test_pushes_become_incidents_and_what_nobody_verified_is_only_the_head_ends_claim",
}
"""They look at how the head-end dials, or at who carries: behind a collector they say something else."""
PUSHED = "test_pushed_rows_of_the_load_profile_become_values"
HOUR_S = 3600


def module():
    """The tests as they stand, loaded once more, so that their rigs can be others."""
    file = Path(__file__).parents[1] / "pairs" / "test_operations.py"
    spec = importlib.util.spec_from_file_location("lied_to_operations", file)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


class Stage:
    """One of the tests, on rigs that are looked at afterwards."""

    def __init__(self, patch, position, liar) -> None:
        self.tests, self.rigs, self.logged, self.liar = module(), [], set(), liar
        kind = BehindCollector if position == "collector" else Rig
        stage, log = self, ElectricityMeter.log

        class Watched(kind):
            def __init__(self, *arguments, **named):
                super().__init__(*arguments, **named)
                stage.rigs.append(self)

        def noted(meter, code, now):
            stage.logged.add((meter.config.serial, int(code), int(now)))
            log(meter, code, now)

        patch.setattr(self.tests, "Rig", Watched)
        patch.setattr(ElectricityMeter, "log", noted)
        if liar:
            self._lie(patch, position)

    def _lie(self, patch, position):
        patch.setattr(LyingFace, "liar", self.liar, raising=False)
        patch.setattr(LyingFace, "made", [], raising=False)
        patch.setattr(operations_rig, "MemoryFace", LyingFace)
        if position == "collector":
            patch.setattr(Lanes, "take", lying_take(self.liar, TITLES))
        else:
            patch.setattr(LyingSpool, "liar", self.liar, raising=False)
            patch.setattr(LyingSpool, "titles", TITLES, raising=False)
            patch.setattr(operations_rig, "FileSpool", LyingSpool)

    def play(self, name, folder):
        """What the test itself says: nothing, or what it expected in vain."""
        test = getattr(self.tests, name)
        given = {"rig": self.tests.Rig, "tmp_path": lambda: folder, "framing": lambda: FramingKind.WRAPPER}
        wanted = {one: given[one]() for one in inspect.signature(test).parameters}
        try:
            test(**wanted)
        except Exception as error:
            return error
        return None

    def falsehoods(self) -> Iterator[str]:
        """What is in the stores and in the meters that is not so."""
        for rig in self.rigs:
            yield from _false_values(rig)
            yield from _false_registers(rig)
            yield from self._false_events(rig)
            yield from _half_done(rig)
            yield from (
                f"{meter.config.serial} is off" for meter in rig.field.meters if not meter.disconnector.connected
            )

    def _false_events(self, rig):
        serials = {meter.id: meter.serial for meter in rig.registry.meters()}
        for event in rig.operations.events():
            told = serials[event.meter], int(event.code), int(event.at.timestamp())
            if told not in self.logged:
                yield f"{told[0]} never told event {told[1]} at {event.at}"


def _false_values(rig):
    for number, point in enumerate(rig.points):
        for channel, true in ((1, 250 * (number + 1)), (2, 0)):
            series = rig.mdm.series(point, channel, DAY - timedelta(days=1), NEXT + timedelta(days=3))
            there = series.quality != Quality.MISSING
            for value in sorted(set(series.values[there].tolist()) - {true}):
                yield f"meter {number}, channel {channel}: {value} Wh instead of {true}"


def _false_registers(rig):
    began = DAY.timestamp() - 3600
    for number, point in enumerate(rig.points):
        for read in rig.mdm.registers(point, IMPORT, DAY - timedelta(days=1), NEXT + timedelta(days=3)):
            true = round((read.stamp - began) / 3600 * 1000 * (number + 1))
            if read.register != true:
                yield f"meter {number}: register {read.register} at {read.stamp} instead of {true}"


def _half_done(rig):
    """A read that counts as done and is not whole, one that was given up without a cause, a hole that is not told."""
    points = dict(zip(rig.ids, rig.points, strict=True))
    for view in rig.operations.campaigns():
        holes = {gap.metering_point for gap in rig.mdm.missing(*view.period)}
        for job in rig.operations.jobs(view.id):
            series = rig.mdm.series(points[job.meter], 1, view.period[0], min(view.period[1], NEXT))
            whole = not (series.quality == Quality.MISSING).any()
            if job.state is JobState.COMPLETED and not whole:
                yield f"meter {job.meter} counts as read and is not whole"
            if job.state is JobState.DISCARDED and job.cause is None:
                yield f"meter {job.meter} was given up without a cause"
            if not whole and points[job.meter] not in holes:
                yield f"meter {job.meter}: a hole that nobody is told of"


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("name", TESTS)
def test_with_an_honest_one_all_is_as_it_was(monkeypatch, tmp_path, position, name):
    stage = Stage(monkeypatch, position, None)
    error = stage.play(name, tmp_path)
    assert error is None or (name in DIALLED and position == "collector")
    assert list(stage.falsehoods()) == []


def cases():
    for at, (name, position, lie) in enumerate((n, p, one) for n in TESTS for p in POSITIONS for one in LIES):
        yield pytest.param(name, position, lie, marks=[] if at % 7 == 0 or name == PUSHED else [pytest.mark.long])


@pytest.mark.parametrize(("name", "position", "lie"), list(cases()))
def test_a_liar_brings_nothing_false_into_the_store(monkeypatch, tmp_path, name, position, lie):
    stage = Stage(monkeypatch, position, Liar(lie))
    stage.play(name, tmp_path)
    assert stage.rigs
    assert list(stage.falsehoods()) == []


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("lie", ["drops", "flips"])
def test_what_he_keeps_back_is_an_alarm(monkeypatch, tmp_path, position, lie):
    """Two periods later it is known that numbers of the meter's pushes did not come."""
    stage = Stage(monkeypatch, position, Liar(lie))
    assert stage.play(PUSHED, tmp_path) is not None
    (rig,) = stage.rigs
    for period in (1, 2, 3):
        rig.operations._watch.check(NEXT.timestamp() + period * HOUR_S + HOUR_S)
    assert "items are missing" in {incident.code for incident in rig.operations.incidents()}


@pytest.mark.parametrize("position", POSITIONS)
def test_twin_without_tags_what_he_changes_is_believed(monkeypatch, tmp_path, position):
    monkeypatch.setattr(security, "verify_tag", lambda *_: None)
    stage = Stage(monkeypatch, position, Liar("flips", seed=3))
    stage.play(PUSHED, tmp_path)
    assert list(stage.falsehoods())


@pytest.mark.parametrize("lie", LIES)
def test_a_liar_lies(monkeypatch, tmp_path, lie):
    stage = Stage(monkeypatch, "head-end", Liar(lie))
    stage.play("test_a_day_of_three_meters_is_read", tmp_path)
    assert stage.liar.told
