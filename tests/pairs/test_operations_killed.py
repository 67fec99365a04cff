"""The back office is killed at every statement that it sends to the store, and at every step of its counters' disk.

Whatever the point, the next process goes on from what is there: the same readings, registers, events and job ends as
if nothing had happened, none lost and none doubled.
"""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import event, text

from openami.backoffice.operations import JobState
from openami.backoffice.operations.push_store import PushState
from openami.model.event import EventCode
from openami.simulation.disk import PowerCut
from operations_rig import DAY, NEXT, Rig
from virtual_loop import in_virtual_time

PERIOD = (DAY, DAY + timedelta(hours=1))
TABLES = ("interval_block", "stamped_register", "meter_event", "evidence", "clock_note", "meter_log", "quarantine")


class Kill(BaseException):
    """Nothing may catch this, as nothing catches a kill."""


class Killer:
    """Counts what is sent to the store and stops the process at step `dies_at`; a dead process sends nothing more."""

    def __init__(self, rig, dies_at=None):
        self.steps, self.dies_at = 0, dies_at
        self.died = asyncio.Event()
        self.engine = rig.store._engine
        event.listen(self.engine, "before_cursor_execute", self.step)
        event.listen(self.engine, "commit", self.step)

    def step(self, *_):
        self.steps += 1
        if self.died.is_set() or self.steps == self.dies_at:
            self.died.set()
            raise Kill

    async def run(self, work):
        """Run until done or dead; a process that died does not tidy up."""
        task = asyncio.get_running_loop().create_task(work)
        death = asyncio.get_running_loop().create_task(self.died.wait())
        await asyncio.wait((task, death), return_when=asyncio.FIRST_COMPLETED)
        for each in (task, death):
            each.cancel()
        await asyncio.gather(task, death, return_exceptions=True)
        event.remove(self.engine, "before_cursor_execute", self.step)
        event.remove(self.engine, "commit", self.step)


def contents(rig):
    """What the store knows, without times and attempts, which a kill may change."""
    counts = {}
    with rig.store.reading() as connection:
        for table in TABLES:
            counts[table] = connection.execute(text(f"SELECT count(*) FROM {table}")).scalar()
    return counts, [rig.energy(number, period=PERIOD) for number in range(len(rig.points))]


async def finish(rig):
    """The next process does all that is left, as the scheduler does."""
    for view in rig.operations.campaigns():
        await rig.operations.run_campaign(view.id)


def points(steps):
    """All steps; two of three are for the long run."""
    return [pytest.param(at, marks=[pytest.mark.long] if at % 3 else []) for at in range(1, steps + 1)]


def ready_to_read(folder, meters=2):
    rig = Rig(f"sqlite:///{folder}/store.sqlite", meters=meters)
    rig.field.meters[0].alarm(EventCode.COVER_OPENED, NEXT.timestamp() - 60)
    return rig


async def read(rig):
    campaign = rig.campaign(period=PERIOD)
    await rig.operations.run_campaign(campaign)


@in_virtual_time
async def count_steps(make, work):
    with TemporaryDirectory() as folder:
        rig = make(folder)
        killer = Killer(rig)
        await killer.run(work(rig))
        seen = contents(rig)
        rig.store.close()
        return killer.steps, seen


READ_STEPS, READ = count_steps(ready_to_read, read)


@pytest.mark.parametrize("dies_at", points(READ_STEPS))
@in_virtual_time
async def test_a_campaign_killed_at_any_statement_loses_and_doubles_nothing(dies_at, tmp_path):
    await kill_a_campaign(tmp_path, dies_at, 2, READ)


MANY, PARTS = 26, 10


@pytest.mark.long
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("part", range(PARTS))
def test_a_campaign_killed_at_a_thousand_statements_loses_and_doubles_nothing(part, tmp_path):
    """Of as many meters as give a thousand statements."""
    steps, whole = count_steps(lambda folder: ready_to_read(folder, MANY), read)
    assert steps >= 1_000
    assert len(whole[1]) == MANY
    for dies_at in range(part + 1, steps + 1, PARTS):
        folder = tmp_path / str(dies_at)
        folder.mkdir()
        in_virtual_time(kill_a_campaign)(folder, dies_at, MANY, whole)


async def kill_a_campaign(folder, dies_at, meters, whole):
    rig = ready_to_read(folder, meters)
    killer = Killer(rig, dies_at)
    await killer.run(read(rig))
    assert killer.died.is_set()
    rig.restart()
    if not rig.operations.campaigns():  # killed before the campaign was there: nobody was told that it is
        rig.campaign(period=PERIOD)
    await finish(rig)
    (view,) = rig.operations.campaigns()
    assert (view.total, view.completed, view.state) == (meters, meters, "ended")
    assert all(job.state is JobState.COMPLETED for job in rig.operations.jobs(view.id))
    for meter in rig.ids:
        attempts = rig.operations.attempts(view.id, meter)
        assert [attempt.cause for attempt in attempts][-1] is None
        assert all(attempt.ended_at is not None for attempt in attempts)
    assert contents(rig) == whole
    rig.store.close()


@pytest.mark.parametrize("seed", range(5))
@in_virtual_time
async def test_killed_again_and_again_it_comes_to_the_same_end(seed, tmp_path):
    rig = ready_to_read(tmp_path)
    rig.campaign(period=PERIOD)
    for life in itertools.count(1):
        killer = Killer(rig, 5 + (seed * 7 + life * 13) % 40 + life)
        await killer.run(finish(rig))
        rig.restart()
        if not killer.died.is_set():
            break
    (view,) = rig.operations.campaigns()
    assert (view.completed, view.failed) == (2, 0)
    assert contents(rig) == READ


@in_virtual_time
async def counter_steps():
    rig = Rig(meters=2)
    before = rig.disk.steps
    await read(rig)
    return before, rig.disk.steps


BEFORE, AFTER = counter_steps()


@pytest.mark.parametrize("dies_at", range(BEFORE + 1, AFTER + 1))
@pytest.mark.parametrize("power", ["kill", "power cut"])
@in_virtual_time
async def test_killed_while_a_counter_is_saved_no_number_is_used_twice(dies_at, power):
    rig = Rig(meters=2)
    rig.disk.dies_at = dies_at
    task = asyncio.get_running_loop().create_task(read(rig))
    await asyncio.wait((task,), timeout=5)
    assert rig.disk._dying
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    rig.disk = rig.disk.after_kill() if power == "kill" else rig.disk.after_power_cut()
    rig.restart()
    await finish(rig)
    (view,) = rig.operations.campaigns()
    assert view.completed == 2  # a meter refuses a number that it has seen
    assert contents(rig)[1] == READ[1]


def test_the_counters_have_kill_points():
    assert AFTER - BEFORE >= 3
    assert issubclass(PowerCut, BaseException)


def ready_to_pull(folder):
    rig = Rig(f"sqlite:///{folder}/store.sqlite", meters=2)
    for number in (0, 1):
        rig.field.meters[number].alarm(EventCode.MAGNETIC_FIELD, NEXT.timestamp())
    return rig


async def pull(rig):
    if not rig.spool.waiting:
        for number in (0, 1):
            await rig.push_from(number)
        await rig.push(b"\x01 no push")
    await rig.operations.pull_spool()


PULL_STEPS, PULLED = count_steps(ready_to_pull, pull)


@pytest.mark.parametrize("dies_at", points(PULL_STEPS))
@in_virtual_time
async def test_pushes_are_taken_once_wherever_the_pull_is_killed(dies_at, tmp_path):
    rig = ready_to_pull(tmp_path)
    killer = Killer(rig, dies_at)
    await killer.run(pull(rig))
    assert killer.died.is_set()
    rig.restart()
    await rig.operations.pull_spool()
    assert rig.operations.pushes() == {PushState.OPENED: 2, PushState.QUARANTINED: 1}
    assert [each.code for each in rig.operations.events()] == [EventCode.MAGNETIC_FIELD] * 2
    assert rig.spool.waiting == 0
    assert contents(rig) == PULLED


def test_there_are_enough_kill_points():
    assert READ_STEPS // 3 + PULL_STEPS // 3 + AFTER - BEFORE >= 50
    assert READ[0]["meter_event"] == 1
    assert READ[1] == [[250] * 4, [500] * 4]
