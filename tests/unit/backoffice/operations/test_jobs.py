"""Jobs, campaigns and schedules in the store: states move only as drawn, and each job ends once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from openami.backoffice.operations import CampaignState, Cause, JobState, ReadPlan
from openami.backoffice.operations.campaigns import Campaigns, NoSuchCampaign
from openami.backoffice.operations.job_state import FINAL, TRANSITIONS, WAITING, sources
from openami.backoffice.operations.jobs import Jobs
from openami.backoffice.operations.push_store import PushState, PushStore
from openami.backoffice.operations.read_plan import decode_plan, encode_plan
from openami.model.errors import SettingError, StoreError
from openami.protocols.zones import Push, SpoolItem, SpoolItems, encode_push
from stores import in_memory

NOW = datetime(2026, 3, 11, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PERIOD = (NOW - timedelta(days=1), NOW)


@pytest.fixture
def store():
    return in_memory()


@pytest.fixture
def jobs(store):
    return Jobs(store)


@pytest.fixture
def campaigns(store, jobs):
    return Campaigns(store, jobs)


def make(campaigns, meters=(1, 2), **settings):
    return campaigns.create("day", meters, ReadPlan(), PERIOD, NOW + timedelta(hours=1), now=NOW, **settings)


def states(jobs, campaign):
    return [job.state for job in jobs.views(campaign)]


def test_the_drawing_names_every_state_and_final_ones_have_no_way_out():
    assert set(TRANSITIONS) == set(JobState)
    assert all(TRANSITIONS[state] == () for state in FINAL)
    assert set(WAITING) | set(FINAL) | {JobState.RUNNING} == set(JobState)
    assert sources(JobState.RUNNING) == (JobState.AVAILABLE,)
    assert sources(JobState.COMPLETED) == (JobState.RUNNING,)


def test_a_claimed_job_runs_and_is_claimed_once(jobs, campaigns):
    campaign = make(campaigns)
    first, second = jobs.claim(campaign, 1, NOW), jobs.claim(campaign, 5, NOW)
    assert {(claim.meter, claim.number) for claim in (*first, *second)} == {(1, 1), (2, 1)}
    assert (len(first), len(second)) == (1, 1)
    assert jobs.claim(campaign, 5, NOW) == []


def test_meters_that_stand_together_do_not_begin_together(jobs, campaigns):
    campaign = make(campaigns, range(1, 1001))
    order = [claim.meter for claim in jobs.claim(campaign, 1000, NOW)]
    assert sorted(order) == list(range(1, 1001))
    collectors = [sum(1 for meter in order[at : at + 100] if meter <= 100) for at in range(0, 1000, 100)]
    assert max(collectors) <= 20, "a hundred meters of one collector, ten at a time, not a hundred"


def test_an_attempt_that_was_not_begun_does_not_count(jobs, campaigns):
    campaign = make(campaigns, [1])
    (claim,) = jobs.claim(campaign, 1, NOW)
    jobs.postpone(claim, Cause.THROTTLED, "64 circuits are open", NOW + MINUTE)
    (job,) = jobs.views(campaign)
    assert (job.state, job.attempts, job.cause) == (JobState.RETRYABLE, 0, Cause.THROTTLED)
    assert jobs.attempts(campaign, 1) == []
    assert jobs.claim(campaign, 1, NOW) == []
    (again,) = jobs.claim(campaign, 1, NOW + MINUTE)
    assert again.number == 1
    jobs.postpone(claim._replace(number=7), Cause.THROTTLED, "late", NOW)
    assert states(jobs, campaign) == [JobState.RUNNING]


def test_a_job_ends_once(jobs, campaigns):
    campaign = make(campaigns, [1])
    (claim,) = jobs.claim(campaign, 1, NOW)
    jobs.complete(claim, NOW)
    jobs.retry(claim, Cause.TIMEOUT, "late", NOW, NOW)
    jobs.discard(claim, Cause.TIMEOUT, "late", NOW)
    jobs.cancel(campaign, NOW)
    jobs.discard_overdue(campaign, NOW + timedelta(days=1), NOW)
    (job,) = jobs.views(campaign)
    assert (job.state, job.cause, job.ended_at) == (JobState.COMPLETED, None, NOW)
    assert [attempt.cause for attempt in jobs.attempts(campaign, 1)] == [None]


def test_an_attempt_that_was_given_up_changes_nothing_when_it_ends_late(jobs, campaigns):
    campaign = make(campaigns, [1])
    (stale,) = jobs.claim(campaign, 1, NOW)
    assert jobs.recover(NOW) == 1
    (current,) = jobs.claim(campaign, 1, NOW)
    jobs.discard(stale, Cause.TIMEOUT, "late", NOW)
    assert states(jobs, campaign) == [JobState.RUNNING]
    jobs.complete(current, NOW)
    causes = [attempt.cause for attempt in jobs.attempts(campaign, 1)]
    assert causes == [Cause.INTERRUPTED, None]


def test_a_read_of_a_cancelled_campaign_that_a_kill_interrupted_ends(jobs, campaigns):
    campaign, other = make(campaigns, [1]), make(campaigns, [2])
    for each in (campaign, other):
        jobs.claim(each, 1, NOW)
    jobs.cancel(campaign, NOW)
    campaigns.end(campaign, CampaignState.CANCELLED, NOW)
    assert jobs.recover(NOW + MINUTE) == 2
    (job,) = jobs.views(campaign)
    assert (job.state, job.cause, job.ended_at) == (JobState.CANCELLED, Cause.INTERRUPTED, NOW + MINUTE)
    assert states(jobs, other) == [JobState.RETRYABLE]


def test_a_retryable_job_waits_for_its_time(jobs, campaigns):
    campaign = make(campaigns, [1])
    (claim,) = jobs.claim(campaign, 1, NOW)
    jobs.retry(claim, Cause.TIMEOUT, "x" * 10_000, NOW, NOW + MINUTE)
    (job,) = jobs.views(campaign)
    assert (job.state, job.cause, len(job.detail)) == (JobState.RETRYABLE, Cause.TIMEOUT, 500)
    assert jobs.next_at(campaign, NOW) == NOW + MINUTE
    assert jobs.claim(campaign, 1, NOW + MINUTE / 2) == []
    assert [claim.number for claim in jobs.claim(campaign, 1, NOW + MINUTE)] == [2]


def test_a_meter_that_is_being_read_elsewhere_makes_its_job_pending(jobs, campaigns):
    first, second = make(campaigns, [1]), make(campaigns, [1, 2])
    (claim,) = jobs.claim(first, 5, NOW)
    assert [each.meter for each in jobs.claim(second, 5, NOW)] == [2]
    assert states(jobs, second) == [JobState.PENDING, JobState.RUNNING]
    assert jobs.next_at(second, NOW) > NOW
    jobs.complete(claim, NOW)
    assert [each.meter for each in jobs.claim(second, 5, NOW)] == [1]


def test_a_scheduled_job_becomes_available_at_its_time(jobs, campaigns):
    campaign = make(campaigns, [1], starts_at=NOW + MINUTE)
    assert states(jobs, campaign) == [JobState.SCHEDULED]
    assert campaigns.due(NOW) == []
    assert campaigns.due(NOW + MINUTE) == [campaign]
    assert jobs.claim(campaign, 1, NOW) == []
    assert len(jobs.claim(campaign, 1, NOW + MINUTE)) == 1


def test_the_deadline_keeps_the_last_cause(jobs, campaigns):
    campaign = make(campaigns, [1, 2, 3])
    claims = jobs.claim(campaign, 2, NOW)
    jobs.retry(claims[0], Cause.LINK_LOST, "cut", NOW, NOW + MINUTE)
    jobs.discard_overdue(campaign, NOW + MINUTE, NOW + 2 * MINUTE)
    assert JobState.DISCARDED not in states(jobs, campaign)
    jobs.discard_overdue(campaign, NOW + 2 * MINUTE, NOW + 2 * MINUTE)
    running = [job.meter for job in jobs.views(campaign) if job.state is JobState.RUNNING]
    assert running == [claims[1].meter]
    assert sorted(states(jobs, campaign)) == [JobState.DISCARDED, JobState.DISCARDED, JobState.RUNNING]
    assert campaigns.view(campaign).by_cause == {"deadline-passed": 1, "link-lost": 1}


def test_a_view_adds_up(jobs, campaigns):
    campaign = make(campaigns, range(1, 8))
    claims = jobs.claim(campaign, 4, NOW)
    jobs.complete(claims[0], NOW)
    jobs.discard(claims[1], Cause.NO_KEYS, "", NOW)
    jobs.retry(claims[2], Cause.TIMEOUT, "", NOW, NOW)
    jobs.complete(claims[3], NOW)
    jobs.cancel(campaign, NOW)
    view = campaigns.view(campaign)
    assert (view.total, view.completed, view.failed, view.cancelled, view.pending) == (7, 2, 1, 4, 0)
    assert view.by_cause == {"cancelled": 3, "no-keys": 1, "timeout": 1}


def test_meters_named_twice_have_one_job(jobs, campaigns):
    assert len(jobs.views(make(campaigns, [1, 1, 2, 1]))) == 2


def test_campaigns_that_cannot_be_meant(campaigns):
    with pytest.raises(SettingError, match="its period ends"):
        campaigns.create("x", [1], ReadPlan(), (NOW, NOW), NOW + MINUTE, now=NOW)
    with pytest.raises(SettingError, match="its deadline"):
        campaigns.create("x", [1], ReadPlan(), PERIOD, NOW, now=NOW)
    with pytest.raises(NoSuchCampaign, match="no campaign 7"):
        campaigns.view(7)


def test_a_campaign_ends_once(campaigns):
    campaign = make(campaigns)
    campaigns.begin(campaign, NOW)
    campaigns.end(campaign, CampaignState.CANCELLED, NOW)
    campaigns.end(campaign, CampaignState.ENDED, NOW + MINUTE)
    campaigns.begin(campaign, NOW + MINUTE)
    view = campaigns.view(campaign)
    assert (view.state, view.started_at, view.ended_at) == (CampaignState.CANCELLED, NOW, NOW)


def test_a_schedule_makes_one_campaign_per_due_time_and_skips_what_was_missed(campaigns):
    settings = {"every_s": 3600, "window_s": 7200, "deadline_s": 600}
    campaigns.put_schedule("hourly", ReadPlan(), first_at=NOW, **settings)
    assert campaigns.start_due(lambda: [1], NOW - MINUTE) == []
    (first,) = campaigns.start_due(lambda: [1], NOW)
    assert campaigns.start_due(lambda: [1], NOW) == []
    assert campaigns.get(first).period == (NOW - timedelta(hours=2), NOW)
    (late,) = campaigns.start_due(lambda: [1], NOW + timedelta(hours=5, minutes=10))
    assert campaigns.view(late).starts_at == NOW + timedelta(hours=5)
    assert campaigns.schedules()[0].next_at == NOW + timedelta(hours=6)
    campaigns.put_schedule("hourly", ReadPlan(event_log=None), first_at=NOW, **settings)
    (schedule,) = campaigns.schedules()
    assert (schedule.next_at, schedule.plan.event_log) == (NOW + timedelta(hours=6), None)
    with pytest.raises(SettingError):
        campaigns.put_schedule("x", ReadPlan(), every_s=0, window_s=1, deadline_s=1, first_at=NOW)


def test_plans_are_kept_as_text():
    plan = ReadPlan(load_profile=None, ranges_max=2)
    assert decode_plan(encode_plan(plan)) == plan
    for bad in ("", "{", '{"load_profile": "1.8.0"}', '{"other": 1}', '{"ranges_max": 0}'):
        with pytest.raises(StoreError, match="does not understand"):
            decode_plan(bad)


def test_items_of_a_spool_are_taken_once_whatever_the_head_end_says(store):
    pushes = PushStore(store)
    items = [SpoolItem(number, encode_push(Push(1.0, "a", "tcp", b"%d" % number))) for number in (1, 2, 3)]
    assert pushes.take(SpoolItems("one", items[:2])) == 2
    assert pushes.take(SpoolItems("one", items[:2])) == 2
    assert pushes.take(SpoolItems("one", items)) == 3
    assert pushes.take(SpoolItems("other", items[:1])) == 1
    assert [kept.content for kept in pushes.waiting(10)] == [b"1", b"2", b"3", b"1"]
    assert (pushes.position("one"), pushes.position("other"), pushes.position("none")) == (3, 1, 0)


def test_an_item_that_is_no_push_is_kept_as_it_is(store):
    pushes = PushStore(store)
    pushes.take(SpoolItems("one", [SpoolItem(1, b"\xc1"), SpoolItem(2, encode_push(Push(1e300, "a", "tcp", b"x")))]))
    assert [(kept.source, kept.content) for kept in pushes.waiting(10)] == [("unknown", b"\xc1"), ("a", b"x")]
    assert pushes.counts() == {PushState.WAITING: 2}
