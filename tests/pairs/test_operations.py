"""From a meter's register to metering data management and back: three meters, a head-end, operations."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import pairwise

import pytest

from openami.backoffice.operations import Cause, HeadendRefused, JobState, OperationsSettings, ReadPlan
from openami.backoffice.operations.headend_client import HeadendClient, HeadendUnreachable
from openami.backoffice.operations.push_opening import TWO_DEVICES
from openami.backoffice.operations.push_store import PushState
from openami.field.meter.faces.service import FramingKind
from openami.headend.dialling import Cell
from openami.headend.targets import Target
from openami.io.keystore import NoKeys
from openami.model.errors import ConnectFailed, LinkError, StoreError
from openami.model.event import EventCode
from openami.protocols.dlms.apdu import decode_apdu
from openami.protocols.dlms.ciphered import Ciphered
from openami.protocols.dlms.wrapper import encode_wrapper
from operations_rig import DAY, EXPORT, IMPORT, NEXT, PERIOD, Rig
from virtual_loop import in_virtual_time

AT = DAY + timedelta(hours=5)


@pytest.fixture
def rig():
    return Rig()


@pytest.mark.parametrize("framing", list(FramingKind))
@in_virtual_time
async def test_a_day_of_three_meters_is_read(framing):
    rig = Rig(framing=framing)
    campaign = rig.campaign()
    await rig.operations.run_campaign(campaign)
    view = rig.operations.campaign(campaign)
    assert (view.total, view.completed, view.failed, view.pending, view.by_cause) == (3, 3, 0, 0, {})
    assert (view.state, view.started_at) == ("ended", NEXT)
    assert view.ended_at >= NEXT
    for number in range(3):
        assert rig.energy(number) == [250 * (number + 1)] * 96
        assert rig.energy(number, 2) == [0] * 96
    assert rig.mdm.missing(*PERIOD) == []
    assert rig.operations.quarantined() == []


@in_virtual_time
async def test_registers_events_clock_and_evidence_come_along(rig):
    meter = rig.field.meters[1]
    meter.alarm(EventCode.COVER_OPENED, AT.timestamp())
    campaign = rig.campaign()
    await rig.operations.run_campaign(campaign)
    registers = rig.mdm.registers(rig.points[1], IMPORT, *PERIOD)
    assert [register.stamp for register in registers] == [int(at.timestamp()) for at in PERIOD]
    assert registers[1].register - registers[0].register == 48_000
    (event,) = rig.operations.events(rig.ids[1])
    assert (event.code, event.at, event.name) == (40, AT, "cover opened")
    evidence = rig.mdm.evidence(rig.operations.event_evidence(event))
    assert isinstance(decode_apdu(evidence.received[0]), Ciphered)
    assert evidence.plain[0] == 1
    profile = rig.mdm.evidence_of(rig.points[1], 1, AT)
    assert profile.note == "load profile 1-0:99.1.0*255, 97 rows"
    (clock,) = rig.operations.clocks(rig.ids[1])
    assert abs(clock.drift_s) <= clock.uncertainty_s


@in_virtual_time
async def test_a_session_after_the_first_waits_for_no_disk(rig):
    await rig.operations.run_campaign(rig.campaign())
    before = rig.disk.steps
    campaign = rig.campaign()
    await rig.operations.run_campaign(campaign)
    assert rig.operations.campaign(campaign).completed == 3
    assert rig.disk.steps == before


@in_virtual_time
async def test_a_clock_that_is_off_is_noted():
    rig = Rig(meters=1, clock_error_s=90.0)
    await rig.operations.run_campaign(rig.campaign())
    (clock,) = rig.operations.clocks(rig.ids[0])
    assert abs(clock.drift_s - 90) <= clock.uncertainty_s


@in_virtual_time
async def test_only_holes_are_read_again(rig):
    first = (DAY, DAY + timedelta(hours=6))
    await rig.operations.run_campaign(rig.campaign(period=first))
    await rig.operations.run_campaign(rig.campaign(period=PERIOD))
    notes = [rig.mdm.evidence_of(rig.points[0], 1, DAY + timedelta(hours=hour)).note for hour in (6, 7)]
    assert notes == ["load profile 1-0:99.1.0*255, 25 rows", "load profile 1-0:99.1.0*255, 72 rows"]
    assert rig.energy(0) == [250] * 96
    dials = rig.field.dials
    await rig.operations.run_campaign(rig.campaign(period=PERIOD))
    assert rig.field.dials == dials + 3
    assert rig.energy(0) == [250] * 96


@in_virtual_time
async def test_a_meter_that_cannot_be_reached_is_tried_again_and_every_attempt_keeps_its_cause(rig):
    rig.field.unreachable = {2}
    campaign = rig.campaign()
    await rig.operations.run_campaign(campaign)
    view = rig.operations.campaign(campaign)
    assert (view.completed, view.failed, view.by_cause) == (2, 1, {"connect-failed": 1})
    (job,) = rig.operations.jobs(campaign, JobState.DISCARDED)
    assert (job.meter, job.attempts, job.cause) == (rig.ids[1], 4, Cause.CONNECT_FAILED)
    attempts = rig.operations.attempts(campaign, rig.ids[1])
    assert [attempt.cause for attempt in attempts] == [Cause.CONNECT_FAILED] * 4
    pauses = [(later.started_at - earlier.ended_at).total_seconds() for earlier, later in pairwise(attempts)]
    for pause, full in zip(pauses, (30, 60, 120), strict=True):
        assert full / 2 <= pause <= full
    assert len({gap.metering_point for gap in rig.mdm.missing(*PERIOD)}) == 1


@in_virtual_time
async def test_a_meter_that_comes_back_is_read(rig):
    rig.field.unreachable = {1}
    real = rig.field.dial

    async def dial(host, port, timeout_s):
        if rig.clock.time() > NEXT.timestamp() + 50:
            rig.field.unreachable = set()
        return await real(host, port, timeout_s)

    rig.headend._dial = dial
    campaign = rig.campaign()
    await rig.operations.run_campaign(campaign)
    assert rig.operations.campaign(campaign).completed == 3
    assert [attempt.cause for attempt in rig.operations.attempts(campaign, rig.ids[0])] == [
        Cause.CONNECT_FAILED,
        Cause.CONNECT_FAILED,
        None,
    ]


@in_virtual_time
async def test_after_the_deadline_nothing_is_tried(rig):
    rig.field.unreachable = {1, 2, 3}
    campaign = rig.campaign(hours=0.01)
    await rig.operations.run_campaign(campaign)
    view = rig.operations.campaign(campaign)
    assert (view.failed, view.by_cause) == (3, {"connect-failed": 3})
    assert view.ended_at <= view.deadline + timedelta(seconds=1)
    assert all(job.attempts < 4 for job in rig.operations.jobs(campaign))


@in_virtual_time
async def test_a_campaign_whose_deadline_passed_unseen_says_so(rig):
    campaign = rig.campaign(hours=1)
    await rig.clock.sleep(7200)
    await rig.operations.run_campaign(campaign)
    assert rig.operations.campaign(campaign).by_cause == {"deadline-passed": 3}
    assert rig.field.dials == 0


@in_virtual_time
async def test_what_somebody_has_to_change_first_is_not_tried_again(rig):
    rig.registry.change_link(rig.ids[0], None)
    rig.registry.remove(rig.ids[1], DAY - timedelta(days=1))
    rig.keystore.remove(rig.field.titles[2])
    campaign = rig.campaign(meters=[*rig.ids, 999])
    await rig.operations.run_campaign(campaign)
    jobs = rig.operations.jobs(campaign)
    assert [job.cause for job in jobs] == [Cause.NO_LINK, Cause.NOT_INSTALLED, Cause.NO_KEYS, Cause.NOT_REGISTERED]
    assert all((job.state, job.attempts) == (JobState.DISCARDED, 1) for job in jobs)
    assert rig.field.dials == 0


@in_virtual_time
async def test_the_head_end_may_refuse_or_be_away(rig):
    rig.registry.change_link(rig.ids[0], "tcp://192.0.2.1:1")
    campaign = rig.campaign(meters=[rig.ids[0]])
    await rig.operations.run_campaign(campaign)
    assert rig.operations.campaign(campaign).by_cause == {"headend-refused": 1}
    with pytest.raises(HeadendRefused, match="lies in no network"):
        await rig.operations.read_now(rig.ids[0])

    async def away():
        raise ConnectFailed("refused")

    rig.reach = away
    rig.restart()
    campaign = rig.campaign(meters=[rig.ids[1]])
    await rig.operations.run_campaign(campaign)
    assert rig.operations.campaign(campaign).by_cause == {"headend-unreachable": 1}
    with pytest.raises(HeadendUnreachable):
        await rig.operations.pull_spool()


@in_virtual_time
async def test_wrong_keys_are_a_security_error_and_the_bytes_are_kept(rig):
    rig.keystore.put(rig.field.titles[0], rig.field.keys(1))
    campaign = rig.campaign(meters=[rig.ids[0]])
    await rig.operations.run_campaign(campaign)
    (cause,) = rig.operations.campaign(campaign).by_cause
    assert cause in {"security-error", "association-rejected"}


class Cutting:
    """A link that changes or ends what the meter sends."""

    datagrams = False

    def __init__(self, link, change):
        self.peer, self._link, self._change = "cut", link, change

    async def receive(self):
        return self._change(await self._link.receive())

    async def send(self, data):
        await self._link.send(data)

    async def close(self):
        await self._link.close()


def changed(rig, change, port=1):
    real = rig.field.dial

    async def dial(host, number, timeout_s):
        link = await real(host, number, timeout_s)
        return Cutting(link, change) if number == port else link

    rig.headend._dial = dial


@in_virtual_time
async def test_garbage_from_a_meter_fails_its_job_alone_and_is_kept(rig):
    changed(rig, lambda data: b"\x00\x01\x00\x01\x00\x01\x00\x04\xde\xad\xbe\xef" if data else data)
    campaign = rig.campaign()
    await rig.operations.run_campaign(campaign)
    view = rig.operations.campaign(campaign)
    assert (view.completed, view.failed) == (2, 1)
    kept = rig.operations.quarantined(rig.ids[0])
    assert kept
    assert any(b"\xde\xad\xbe\xef" in piece for item in kept for piece in item.received)
    assert f"campaign {campaign}, attempt" in kept[0].origin


@in_virtual_time
async def test_a_broken_link_keeps_what_was_read_before(rig):
    count = [0]

    def change(data):
        count[0] += len(data)
        return b"" if count[0] > 4_500 else data

    changed(rig, change)
    settings = rig.settings
    campaign = rig.campaign(meters=[rig.ids[0]])
    await rig.operations.run_campaign(campaign)
    view = rig.operations.campaign(campaign)
    assert view.by_cause == {"link-lost": 1} or view.completed == 1
    assert rig.energy(0) == [250] * 96
    assert settings.attempts >= view.total


@in_virtual_time
async def test_a_meter_that_falls_silent_is_given_up(rig):
    async def never(*_):
        await asyncio.get_running_loop().create_future()

    async def nothing(*_):
        return None

    members = {"peer": "silent", "datagrams": False, "receive": never, "send": nothing, "close": nothing}

    async def dial(*_):
        return type("Silent", (), members)()

    rig.headend._dial = dial
    rig.settings = OperationsSettings(attempts=1, attempt_timeout_s=5.0)
    rig.restart()
    campaign = rig.campaign(meters=[rig.ids[0]])
    await rig.operations.run_campaign(campaign)
    assert rig.operations.campaign(campaign).by_cause == {"timeout": 1}
    with pytest.raises(LinkError, match="was not read within"):
        await rig.operations.read_now(rig.ids[0])


@in_virtual_time
async def test_a_meter_without_the_asked_profile_gives_the_rest(rig):
    plan = ReadPlan(daily_billing="1-0:98.9.9*255")
    campaign = rig.campaign(plan=plan, meters=[rig.ids[0]])
    await rig.operations.run_campaign(campaign)
    assert rig.operations.campaign(campaign).by_cause == {"service-refused": 1}
    assert rig.energy(0) == [250] * 96


@in_virtual_time
async def test_no_more_meters_at_once_than_allowed():
    rig = Rig(meters=6, settings=OperationsSettings(concurrency=2))
    now, most, real = [0], [0], rig.operations.sessions.client

    @asynccontextmanager
    async def counted(meter, link):
        now[0] += 1
        most[0] = max(most[0], now[0])
        try:
            async with real(meter, link) as client:
                yield client
        finally:
            now[0] -= 1

    rig.operations.sessions.client = counted
    campaign = rig.campaign(period=(DAY, DAY + timedelta(hours=1)))
    await rig.operations.run_campaign(campaign)
    assert rig.operations.campaign(campaign).completed == 6
    assert most[0] == 2


@in_virtual_time
async def test_a_cell_that_is_full_makes_meters_wait_and_is_no_failed_attempt():
    rig = Rig(meters=5, settings=OperationsSettings(attempts=1), cells=(Cell.parse("10.0.0.0/24=1"),))
    campaign = rig.campaign()
    await rig.operations.run_campaign(campaign)
    assert rig.operations.campaign(campaign).completed == 5
    assert {job.attempts for job in rig.operations.jobs(campaign)} == {1}
    assert rig.clock.time() > NEXT.timestamp(), "some came back later"


@in_virtual_time
async def test_a_head_end_that_throttles_for_ever_is_given_up_at_the_deadline():
    rig = Rig(meters=2, cells=(Cell.parse("10.0.0.0/24=1"),))
    with rig.headend._dialling.slot(Target("10.0.0.9", 1), 0.0):
        campaign = rig.campaign(hours=1)
        await rig.operations.run_campaign(campaign)
    assert rig.operations.campaign(campaign).by_cause == {"throttled": 2}
    assert {job.attempts for job in rig.operations.jobs(campaign)} <= {0, 1}


@in_virtual_time
async def test_a_small_campaign_does_not_wait_for_a_large_one():
    rig = Rig(meters=12, settings=OperationsSettings(concurrency=2))
    real = rig.operations.sessions.client

    @asynccontextmanager
    async def slow(meter, link):
        await rig.clock.sleep(60)
        async with real(meter, link) as client:
            yield client

    rig.operations.sessions.client = slow
    hour = (DAY, DAY + timedelta(hours=1))
    large = asyncio.create_task(rig.operations.run_campaign(rig.campaign(period=hour, meters=rig.ids[:10])))
    await rig.clock.sleep(30)
    small = rig.campaign(period=hour, meters=rig.ids[10:])
    await rig.operations.run_campaign(small)
    assert not large.done()
    assert rig.clock.time() - NEXT.timestamp() < 200, "a read of the large one, then its own two"
    await large
    assert sum(view.completed for view in rig.operations.campaigns()) == 12


@in_virtual_time
async def test_two_campaigns_never_read_one_meter_at_the_same_time(rig):
    campaigns = [rig.campaign(), rig.campaign()]
    await asyncio.gather(*(rig.operations.run_campaign(campaign) for campaign in campaigns))
    for campaign in campaigns:
        assert rig.operations.campaign(campaign).completed == 3
        assert all(job.attempts == 1 for job in rig.operations.jobs(campaign))


@in_virtual_time
async def test_a_cancelled_campaign_begins_nothing_more(rig):
    campaign = rig.campaign()
    rig.operations.cancel_campaign(campaign)
    await rig.operations.run_campaign(campaign)
    view = rig.operations.campaign(campaign)
    assert (view.state, view.cancelled, view.by_cause) == ("cancelled", 3, {"cancelled": 3})
    assert rig.field.dials == 0


@in_virtual_time
async def test_a_read_that_fails_after_its_campaign_was_cancelled_is_not_tried_again(rig):
    async def dial(host, port, _timeout_s):
        rig.field.dials += 1
        rig.operations.cancel_campaign(campaign)
        raise ConnectFailed(f"no connection to {host}:{port}: refused")

    rig.headend._dial = dial
    campaign = rig.campaign(meters=[rig.ids[0]])
    await rig.operations.run_campaign(campaign)
    view = rig.operations.campaign(campaign)
    assert (view.state, view.failed, view.pending, view.by_cause) == ("cancelled", 1, 0, {"connect-failed": 1})
    assert rig.field.dials == 1


@in_virtual_time
async def test_whoever_waits_for_a_campaign_may_go_without_stopping_it_for_the_others(rig):
    campaign = rig.campaign()
    waiting = [asyncio.ensure_future(rig.operations.run_campaign(campaign)) for _ in range(2)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert waiting[1].exception() is None
    assert rig.operations.campaign(campaign).completed == 3


@in_virtual_time
async def test_a_store_that_fails_for_a_while_does_not_stop_the_scheduler(rig, caplog):
    campaign, real, failures = rig.campaign(), rig.operations._jobs.recover, [StoreError("locked")] * 2

    def failing(now):
        if failures:
            raise failures.pop()
        return real(now)

    rig.operations._jobs.recover = failing
    task = asyncio.get_running_loop().create_task(rig.operations.run())
    await rig.clock.sleep(60)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert rig.operations.campaign(campaign).completed == 3
    assert "the scheduler waits: locked" in caplog.text


@in_virtual_time
async def test_on_demand(rig):
    reading = await rig.operations.read_now(rig.ids[2])
    values = {code: quantity for code, _, quantity in reading.values}
    assert str(values[IMPORT]) == f"{rig.field.meters[2].energy.import_wh} Wh"
    assert EXPORT in values
    assert any(quantity.unit.symbol == "V" for quantity in values.values())
    assert all(name for _, name, _ in reading.values)
    evidence = rig.mdm.evidence(reading.evidence)
    assert (evidence.meter, len(evidence.received)) == (rig.ids[2], 2)
    assert evidence.note == f"on demand, {len(reading.values)} registers"


@in_virtual_time
async def test_a_push_becomes_an_event_with_evidence_once(rig):
    rig.field.meters[0].alarm(EventCode.MAGNETIC_FIELD, NEXT.timestamp())
    await rig.push_from(0)
    assert await rig.operations.pull_spool() == 1
    (event,) = rig.operations.events()
    assert (event.meter, event.code, event.at) == (rig.ids[0], EventCode.MAGNETIC_FIELD, NEXT)
    assert event.text.startswith("push 0-4:25.9.0")
    evidence = rig.mdm.evidence(rig.operations.event_evidence(event))
    assert evidence.protocol == "dlms-push"
    assert rig.spool.waiting == 0
    assert await rig.operations.pull_spool() == 0
    await rig.operations.run_campaign(rig.campaign(period=(DAY, NEXT + timedelta(hours=1))))
    assert len(rig.operations.events()) == 1


@in_virtual_time
async def test_pushed_rows_of_the_load_profile_become_values(tmp_path):
    rig = Rig(f"sqlite:///{tmp_path}/store.sqlite", push_rows=4)
    try:
        meter = rig.field.meters[0]
        for hour in range(1, 25):
            meter.advance(DAY.timestamp() + 3600 * hour)
            await rig.push_from(0)
        assert await rig.operations.pull_spool() == 25, "the meter began an hour before the day"
        assert rig.energy(0) == [250] * 96
        assert rig.energy(0, 2) == [0] * 96
        assert rig.operations.pushes() == {PushState.OPENED: 25}
        assert rig.operations.events() == []
    finally:
        await rig.close()


@in_virtual_time
async def test_another_push_under_the_same_counter_comes_from_a_second_device(rig):
    copy = Rig(meters=1)
    try:
        rig.field.meters[0].alarm(EventCode.COVER_OPENED, NEXT.timestamp())
        copy.field.meters[0].alarm(EventCode.MAGNETIC_FIELD, NEXT.timestamp())
        first, second = (one.field.meters[0].next_push() for one in (rig, copy))
        assert first[:15] == second[:15] != first
        for content in (first, encode_wrapper(first, 1, 103), second, second):
            await rig.push(content)
        assert await rig.operations.pull_spool() == 4
    finally:
        await copy.close()
    assert rig.operations.pushes() == {PushState.OPENED: 1, PushState.QUARANTINED: 2, PushState.REPEATED: 1}
    assert [one.received for one in rig.operations.quarantined()] == [(first, second)] * 2
    (incident,) = [one for one in rig.operations.incidents() if one.code == TWO_DEVICES]
    assert incident.alerts == 2


@in_virtual_time
async def test_a_repeated_push_changes_nothing_and_bad_ones_are_kept(rig):
    meter = rig.field.meters[0]
    meter.alarm(EventCode.COVER_OPENED, NEXT.timestamp())
    apdu = meter.next_push()
    flipped = apdu[:-1] + bytes([apdu[-1] ^ 1])
    stranger = apdu[:2] + b"STRANGER" + apdu[10:]
    plain = bytes.fromhex("0f8000000100020112002a")
    bad = [flipped, stranger, plain, b"\x01garbage", b"\x7e\xa0\x00broken", b"\xff" * 20]
    for content in (*bad, encode_wrapper(apdu, 1, 103), encode_wrapper(apdu, 1, 103), apdu):
        await rig.push(content)
    assert await rig.operations.pull_spool() == 9
    assert rig.operations.pushes() == {PushState.OPENED: 1, PushState.QUARANTINED: 6, PushState.REPEATED: 2}
    assert [event.code for event in rig.operations.events()] == [EventCode.COVER_OPENED]
    kept = rig.operations.quarantined()
    assert [item.received for item in reversed(kept)] == [(content,) for content in bad]
    causes = [item.cause for item in reversed(kept)]
    assert causes[:3] == [Cause.SECURITY_ERROR, Cause.NO_KEYS, Cause.SECURITY_ERROR]
    assert all(item.reason for item in kept)


@in_virtual_time
async def test_pushes_of_a_meter_that_the_registry_does_not_know(rig):
    rig.keystore.put(b"OAM\0\0\0\xff\xff", rig.field.keys(0))
    other = Rig(meters=1, system_title=b"OAM\0\0\0\xff\xff")
    other.field.meters[0].alarm(EventCode.COVER_OPENED, NEXT.timestamp())
    await rig.push(other.field.meters[0].next_push())
    await rig.operations.pull_spool()
    (kept,) = rig.operations.quarantined()
    assert kept.cause is Cause.NOT_REGISTERED


@in_virtual_time
async def test_a_spool_that_began_again_is_read_from_its_beginning(rig):
    rig.field.meters[0].alarm(EventCode.COVER_OPENED, NEXT.timestamp())
    await rig.push_from(0)
    await rig.operations.pull_spool()
    fresh = Rig(meters=1)
    fresh.spool.identity = "another"
    rig.field.meters[1].alarm(EventCode.COVER_OPENED, NEXT.timestamp())
    rig.headend = fresh.headend
    await rig.push_from(1)
    assert await rig.operations.pull_spool() == 1
    assert len(rig.operations.events()) == 2


@in_virtual_time
async def test_the_scheduler_reads_in_rhythm_fills_holes_and_pulls(caplog):
    caplog.set_level("INFO", "openami.backoffice.operations")
    rig = Rig(at=NEXT - timedelta(hours=2))
    rig.operations.put_schedule(
        "hourly", ReadPlan(), every_s=3600, window_s=4 * 3600, deadline_s=3000, first_at=NEXT - timedelta(hours=2)
    )
    rig.field.unreachable = {1}
    rig.field.meters[2].alarm(EventCode.COVER_OPENED, rig.clock.time())
    await rig.push_from(2)
    task = asyncio.get_running_loop().create_task(rig.operations.run())
    await rig.clock.sleep(3700)
    assert rig.energy(0, period=(NEXT - timedelta(hours=4), NEXT)) == [0] * 16
    rig.field.unreachable = set()
    await rig.clock.sleep(4100)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    last = (NEXT - timedelta(hours=4), NEXT)
    assert rig.energy(0, period=last) == [250] * 16
    assert rig.energy(1, period=last) == [500] * 16
    assert [event.code for event in rig.operations.events(rig.ids[2])] == [40]
    views = rig.operations.campaigns()
    assert [view.starts_at for view in views] == [NEXT, NEXT - timedelta(hours=1), NEXT - timedelta(hours=2)]
    assert views[0].completed == 3
    assert "'hourly' ended: 3 of 3 read" in caplog.text


@in_virtual_time
async def test_keys_are_asked_for_by_system_title(rig):
    with pytest.raises(NoKeys):
        rig.keystore.meter_keys(b"12345678")


@in_virtual_time
async def test_pushes_become_incidents_and_what_nobody_verified_is_only_the_head_ends_claim(rig):
    rig.field.meters[0].alarm(EventCode.MAGNETIC_FIELD, NEXT.timestamp())
    apdu = rig.field.meters[0].next_push()
    await rig.push(encode_wrapper(apdu, 1, 103))
    await rig.push(encode_wrapper(apdu, 1, 103))
    await rig.push(encode_wrapper(apdu[:-1] + bytes([apdu[-1] ^ 1]), 1, 103))
    await rig.operations.pull_spool()
    told = {(each.cause, each.code): (each.alerts, list(each.meters)) for each in rig.operations.incidents()}
    assert told == {("meter M0", "magnetic field"): (1, ["M0"]), ("head-end", "unverified claims"): (1, [""])}


@in_virtual_time
async def test_a_meter_that_stops_pushing_raises_an_alarm_even_with_the_head_end_away():
    rig = Rig(push_rows=4)
    try:
        for hour in (1, 2):
            rig.field.meters[0].advance(DAY.timestamp() + 3600 * hour)
            await rig.push_from(0)
        await rig.operations.pull_spool()
        assert rig.operations.incidents() == []
        await rig.clock.sleep(3 * 3600)

        async def away():
            raise ConnectFailed("no connection to the head-end: refused")

        rig.operations.headend = HeadendClient(away, rig.clock)
        with pytest.raises(LinkError):
            await rig.operations.pull_spool()
        (incident,) = rig.operations.incidents()
        assert (incident.cause, incident.code) == ("meter M0", "heartbeats are missing")
    finally:
        await rig.close()
