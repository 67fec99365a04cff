"""Each checker has a twin: a run in which one guard is taken away. The checker is green with the guard, red without."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools

import msgspec
import pytest
from sqlalchemy import text

from openami.backoffice.mdm.mdm import Mdm
from openami.backoffice.operations.job_state import JobState
from openami.backoffice.operations.jobs import Jobs
from openami.backoffice.operations.operations import Operations as BackOffice
from openami.backoffice.operations.reading_session import ReadingSession
from openami.field.meter.energy import EnergyRegisters
from openami.io.spool.file_spool import FileSpool
from openami.protocols.dlms.counters import MemoryCounters, SendCounter
from openami.protocols.mesh.frame_counter import FrameCounter
from openami.simulation import installation, site, world
from openami.simulation.air import mesh_parameters
from openami.simulation.district import Fault, Reading
from openami.simulation.job_watch import Change, JobsEndOnce
from openami.simulation.medium import Medium
from openami.simulation.population import new_district
from openami.simulation.run import Run
from openami.simulation.world import World

DAYS = 0.05  # one hour and 12 minutes, then two hours of healing


def lived(*faults, change=lambda _world: None, **changes):
    """The names of the checkers that found something in a run of four meters."""
    district = msgspec.structs.replace(new_district(4, 1), faults=list(faults), **changes)
    with Run(district, 1, DAYS, lambda _hour: None) as run:
        change(run.world)
        result = run.live()
    return {one.name for one in result.checkers if not one.passed}


def kill_while_reading(district):
    """The office is killed as soon as a job runs, once."""

    def look():
        with district.installation.office.store.reading() as connection:
            running = connection.execute(text("SELECT count(*) FROM job WHERE state = 'running'")).scalar()
        if running:
            district.installation.office.restart()
        else:
            district.loop.call_later(0.5, look)

    district.loop.call_later(3600, look)


def test_energy_that_is_counted_without_supply(monkeypatch):
    cut = Fault(kind="feeder-power-cut", at_s=1800, for_s=900)
    assert lived(cut) == set()
    monkeypatch.setattr(EnergyRegisters, "skip", lambda self, curve, until_s: self.count(curve, until_s, ()))
    assert "energy conserved" in lived(cut)


def test_readings_that_are_stored_where_they_do_not_belong(monkeypatch):
    honest = Mdm.take_profile

    def shifted(self, batch):
        return honest(self, [dataclasses.replace(one, stamps=one.stamps + one.resolution_s) for one in batch])

    monkeypatch.setattr(Mdm, "take_profile", shifted)
    assert "no reading lost, doubled or invented" in lived()


def test_frame_counters_that_nobody_keeps(monkeypatch):
    """Neither the station nor the root, which tells those who join where to go on."""
    reboot = Fault(kind="meter-reboot", at_s=3700, amount=4)
    assert lived(reboot) == set()
    monkeypatch.setattr(MemoryCounters, "save", lambda *_: None)
    monkeypatch.setattr(FrameCounter, "skip_to", lambda *_: None)
    assert "frame counters" in lived(reboot)


def test_invocation_counters_that_stand_still(monkeypatch):
    """Of whoever seals: a number now and then for two things."""
    honest = SendCounter.take

    def lazy(self):
        number = honest(self)
        if number % 8 == 3:
            self._next = number
        return number

    monkeypatch.setattr(SendCounter, "take", lazy)
    assert "invocation counters" in lived()


def test_parents_in_a_circle(monkeypatch):
    honest = World.parents
    monkeypatch.setattr(World, "parents", lambda self: {**honest(self), 1: 2, 2: 1})
    assert "routing loops" in lived()


def test_a_station_that_keeps_no_law_of_the_band(monkeypatch):
    """A limit of a thousandth of an hour is kept by all; stations that know another one break it."""
    strict = msgspec.structs.replace(new_district(4, 1).radio, rate_bps=20_000, duty_permille=1)
    assert "duty cycle" not in lived(radio=strict)
    monkeypatch.setattr(Medium, "_may_send", lambda *_: True)
    monkeypatch.setattr(
        world, "mesh_parameters", lambda phy: mesh_parameters(dataclasses.replace(phy, duty_permille=1000))
    )
    assert "duty cycle" in lived(radio=strict)


def test_a_spool_without_a_limit(monkeypatch):
    outage = Fault(kind="wan-outage", at_s=600, for_s=3600)
    for module in (site, installation):
        monkeypatch.setattr(module, "SPOOL_BYTES", 300)
    monkeypatch.setattr(site, "SEGMENT_BYTES", 100)
    often = Reading(capture_period_s=60, push_spread_s=0)
    assert "buffers bounded" not in lived(outage, reading=often)
    monkeypatch.setattr(FileSpool, "_check_size", lambda *_: None)
    assert "buffers bounded" in lived(outage, reading=often)


def test_a_root_that_lets_everybody_in(monkeypatch):
    rogue = Fault(kind="rogue-meter", at_s=600, for_s=1800)
    honest = World._key_of_member

    def open_door(self, root, eui):
        return honest(self, root, eui) or self.strangers.station(0).core.settings.device_key

    assert lived(rogue) == set()
    monkeypatch.setattr(World, "_key_of_member", open_door)
    assert "strangers kept out" in lived(rogue)


def test_jobs_that_a_killed_office_leaves_running(monkeypatch):
    assert lived(change=kill_while_reading) == set()
    monkeypatch.setattr(Jobs, "recover", lambda *_: 0)
    assert "every job ends once" in lived(change=kill_while_reading)


def test_reads_that_never_were(monkeypatch):
    async def pretend(_self):
        await asyncio.sleep(1)

    monkeypatch.setattr(ReadingSession, "run", pretend)
    assert "every job ends once" in lived()


def test_a_question_that_is_forgotten(monkeypatch):
    async def forget(*_):
        await asyncio.get_running_loop().create_future()

    monkeypatch.setattr(BackOffice, "read_now", forget)
    assert lived() == {"every question ends once"}


def test_a_network_that_does_not_heal(monkeypatch):
    monkeypatch.setattr(installation.Installation, "heal", lambda self: self.desk.heal())
    found = lived(Fault(kind="wan-outage", at_s=3000, for_s=86_400))
    assert "after healing every read succeeds" in found
    assert "no reading lost, doubled or invented" in found


class _Untouched(JobsEndOnce):
    """The judge alone, without a store."""

    def __init__(self):
        self.name, self.checked, self.broken, self.findings = "jobs", 0, 0, []


AVAILABLE, RUNNING, RETRYABLE, DONE = JobState.AVAILABLE, JobState.RUNNING, JobState.RETRYABLE, JobState.COMPLETED


@pytest.mark.parametrize(
    ("states", "finding"),
    [
        ((None, AVAILABLE, RUNNING, DONE), ""),
        ((None, AVAILABLE, RUNNING, RETRYABLE, AVAILABLE, RUNNING, DONE), ""),
        ((None, AVAILABLE, RUNNING), "never ended: it is running"),
        ((None, AVAILABLE, RUNNING, DONE, DONE), "had ended, completed, and became completed"),
        ((None, AVAILABLE, RUNNING, DONE, RETRYABLE, DONE), "had ended, completed, and became retryable"),
        ((None, AVAILABLE, None), "was deleted, available"),
    ],
)
def test_one_job_judged(states, finding):
    judge = _Untouched()
    judge.judge_changes([Change(1, 7, before, after) for before, after in itertools.pairwise(states)])
    assert judge.passed == (not finding)
    assert finding in " ".join(judge.findings)


def test_two_reads_of_one_meter_at_once():
    judge = _Untouched()
    rows = [(1, None, AVAILABLE), (2, None, AVAILABLE), (1, AVAILABLE, RUNNING), (2, AVAILABLE, RUNNING)]
    judge.judge_changes([Change(job, 7, before, after) for job, before, after in rows])
    assert "jobs 1 and 2 read meter 7 at once" in judge.findings


def test_a_change_from_a_state_that_was_not():
    judge = _Untouched()
    judge.judge_changes([Change(1, 7, None, AVAILABLE), Change(1, 7, RUNNING, DONE)])
    assert "was available and is changed from running" in judge.findings[0]
