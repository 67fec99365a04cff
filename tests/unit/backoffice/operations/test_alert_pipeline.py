"""A flood pages once, a claim of the head-end pages once, and silence is heard."""

from __future__ import annotations

from openami.backoffice.operations.alert_pipeline import Alert, AlertPipeline, Place, Trust

NOW = 1_767_225_600.0
HEARTBEAT_S = 3600.0
PLACES = {f"m{n}": Place(f"T{n // 10}", f"c{n // 50}", "1.0") for n in range(100)}


def pipeline(**changed):
    return AlertPipeline(PLACES, HEARTBEAT_S, **changed)


def paged(made):
    return [one for one in made if one is not None]


def test_a_meter_that_floods_makes_one_incident_with_a_count():
    line = pipeline()
    pages = paged(line.alert(Alert("m1", "cover opened", NOW + step * 0.006)) for step in range(10_000))
    assert len(pages) == 1
    (incident,) = line.incidents.values()
    assert (incident.alerts, list(incident.meters)) == (10_000, ["m1"])


def test_many_codes_of_one_meter_are_held_to_its_bucket():
    line = pipeline()
    pages = paged(line.alert(Alert("m1", f"code {step}", NOW + step)) for step in range(200))
    assert len(pages) == 10
    free = pipeline(never_throttled=frozenset({"code 150"}))
    for step in range(200):
        free.alert(Alert("m1", f"code {step}", NOW + step))
    assert free.incidents["transformer T0", "code 150"].meters


def test_a_transformer_is_one_cause():
    line = pipeline()
    pages = paged(line.alert(Alert(f"m{n}", "no voltage", NOW + n)) for n in range(10))
    assert [page.cause for page in pages] == ["transformer T0"]
    assert len(line.incidents["transformer T0", "no voltage"].meters) == 10


def test_pages_have_a_budget_and_what_is_beyond_is_kept():
    places = {f"m{n}": Place(f"T{n}") for n in range(1000)}
    line = AlertPipeline(places, HEARTBEAT_S)
    pages = paged(line.alert(Alert(f"m{n}", "no voltage", NOW + n * 0.1)) for n in range(1000))
    assert len(pages) == 10
    assert len(line.incidents) == 1000
    assert paged([line.alert(Alert("m999", "no voltage", NOW + 1000))])


def test_what_the_head_end_says_pages_once():
    line = pipeline()
    pages = paged(line.alert(Alert(f"m{n % 100}", "tamper", NOW + n * 0.01, Trust.HEADEND)) for n in range(100_000))
    assert [page.cause for page in pages] == ["head-end"]
    assert ("transformer T0", "tamper") not in line.incidents


def test_silence_of_a_carrier_is_one_alarm_within_two_periods():
    line = pipeline()
    for step in range(3):
        for meter in PLACES:
            if step == 0 or meter not in list(PLACES)[:50]:
                line.heard(meter, step, NOW + step * HEARTBEAT_S)
    assert line.check(NOW + 2 * HEARTBEAT_S) == []
    (page,) = line.check(NOW + 2 * HEARTBEAT_S + 1)
    assert (page.cause, page.code) == ("carrier c0", "heartbeats are missing")
    assert line.check(NOW + 2 * HEARTBEAT_S + 60) == []


def test_one_silent_meter_is_by_itself():
    line = pipeline()
    for meter in PLACES:
        line.heard(meter, 1, NOW if meter == "m7" else NOW + 2 * HEARTBEAT_S)
    (page,) = line.check(NOW + 2 * HEARTBEAT_S + 1)
    assert page.cause == "meter m7"


def test_holes_in_counters_are_one_alarm():
    line = pipeline()
    pages = []
    for number in (1, 2, 5, 9):
        pages += paged(line.heard(f"m{n}", number, NOW + number) for n in range(50))
    assert [(page.cause, page.code) for page in pages] == [("carrier c0", "items are missing")]
    assert pipeline().heard("m1", 7, NOW) is None


def test_an_old_incident_ends_and_a_new_one_pages_again():
    line = pipeline()
    assert line.alert(Alert("m1", "cover opened", NOW))
    assert line.alert(Alert("m1", "cover opened", NOW + 4000))
    assert line.alert(Alert("stranger", "cover opened", NOW)).cause == "meter stranger"


def silent_from(told, heartbeat_s, until):
    """When somebody is called for a meter that told at these times and never again; checked every minute."""
    line = AlertPipeline({}, heartbeat_s)
    for at in told:
        line.told("w1", at)
    return next((at for at in range(int(told[-1]), until, 60) if line.check(float(at))), None)


def test_a_wireless_meter_is_missed_after_two_of_its_pauses_and_two_heartbeats_at_least():
    assert silent_from([0.0, 900.0], 3600.0, 20_000) == 900 + 7200 + 60
    assert silent_from([0.0, 86_400.0, 172_800.0], 3600.0, 500_000) == 172_800 + 2 * 86_400 + 60


def test_a_jam_does_not_teach_longer_pauses():
    assert silent_from([0.0, 3600.0, 36_000.0, 39_600.0, 80_000.0], 3600.0, 200_000) == 80_000 + 7200 + 60


def test_who_has_told_once_only_is_not_missed():
    assert silent_from([0.0, 0.0], 3600.0, 200_000) is None
