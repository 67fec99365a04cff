"""Each fault and each adversary with the result that is called safe: nothing lost, nothing invented, nobody let in."""

from __future__ import annotations

import msgspec
import pytest

from openami.model.errors import SettingError
from openami.protocols.mesh import belonging
from openami.simulation.district import Fault
from openami.simulation.faults import KINDS
from openami.simulation.population import new_district
from openami.simulation.run import Run
from openami.simulation.site import BULK

DAYS = 0.06  # one hour and 26 minutes with faults, then two hours of healing


def lived(*faults, meters=16, seed=1, days=DAYS, **changes):
    """The world after the run, and its result."""
    district = msgspec.structs.replace(new_district(meters, 1), faults=list(faults), **changes)
    with Run(district, seed, days, lambda _hour: None) as run:
        result = run.live()
    return run.world, result


def broken(result):
    return {one.name: one.findings[:3] for one in result.checkers if not one.passed}


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="feeder-power-cut", at_s=1800, for_s=2400),
        Fault(kind="relays-die", at_s=1800, for_s=2400, amount=20),
        Fault(kind="meter-reboot", at_s=3700, amount=5),
        Fault(kind="interference", at_s=3500, for_s=1200, amount=25),
        Fault(kind="head-end-restart", at_s=3700),
        Fault(kind="office-restart", at_s=3650),
        Fault(kind="wan-outage", at_s=3000, for_s=1800),
        Fault(kind="office-outage", at_s=3000, for_s=1800),
        Fault(kind="collector-reboot", at_s=3620, for_s=120),
        Fault(kind="full-disk", at_s=3500, for_s=1500),
        Fault(kind="replayed-frames", at_s=4300, amount=300),
        Fault(kind="replayed-join", at_s=900, amount=200),
        Fault(kind="lying-rank", at_s=900, for_s=3600),
        Fault(kind="flood", at_s=3500, amount=3000),
        Fault(kind="rogue-meter", at_s=600, for_s=1800),
        Fault(kind="forged-relay", at_s=600, for_s=1800),
    ],
    ids=lambda fault: fault.kind,
)
def test_after_healing_nothing_is_lost_or_invented(fault):
    world, result = lived(fault)
    assert broken(result) == {}
    assert result.intervals_stored == result.intervals > 0
    assert len(world.reachable()) == 16


def test_a_full_disk_refuses_and_the_meters_repeat():
    world, result = lived(Fault(kind="full-disk", at_s=3500, for_s=1500))
    assert world.installation.sites[0].collector.lanes.refused > 0
    assert result.passed


def test_a_half_written_record_is_set_aside():
    world, result = lived(Fault(kind="torn-spool", at_s=4200, for_s=60))
    assert [name for name in world.installation.sites[0].disk.names(BULK) if name.endswith(".torn")]
    assert result.passed


def test_last_gasps_are_counted_while_the_relays_die_too():
    world, result = lived(Fault(kind="feeder-power-cut", at_s=1800, for_s=1200))
    (gasps,) = [note for note in world.notes if note[0] == "last gasps delivered"]
    assert 0 <= gasps[1] <= gasps[2] == 16
    assert result.passed


def test_a_clock_that_is_set_back_a_year_invents_nothing():
    world, result = lived(Fault(kind="clock-back", at_s=4000, amount=2))
    assert broken(result) == {}
    assert len(world.set_back) == 2
    assert result.intervals_stored == result.intervals, "of all the other meters"


def test_strangers_are_nobodys_parents_and_never_known():
    world, result = lived(
        Fault(kind="rogue-meter", at_s=600, for_s=3000), Fault(kind="forged-relay", at_s=700, for_s=3000)
    )
    assert broken(result) == {}
    assert all(world.number_of(eui) is not None for eui in world.known)
    assert world.strangers.station(0).core.parent is None


def test_an_unknown_kind_is_refused_by_name():
    with pytest.raises(SettingError, match="fault kind 'locusts' is none of feeder-power-cut"):
        lived(Fault(kind="locusts", at_s=0))


def test_every_kind_says_what_it_does():
    assert all(function.__doc__ for function in KINDS.values())


def test_an_insider_who_swallows_what_he_should_hand_on_is_left_by_his_children():
    """Few neighbours, so that some stations have to choose a parent far from the collector, and believe the liar."""
    district = new_district(24, 1, neighbours=4.0)
    liar = Fault(kind="lying-rank", at_s=600, for_s=4000, target=district.houses[-1].name)
    replay = Fault(kind="replayed-join", at_s=900, amount=200)
    with Run(msgspec.structs.replace(district, faults=[liar, replay]), 1, DAYS, lambda _hour: None) as run:
        result = run.live()
    world = run.world
    insider = world.strangers.station(0).core
    assert insider.swallowed > 20, "he had children, more than once"
    assert world.strangers.recorder(1).sent_frames > 0
    assert broken(result) == {}
    assert result.intervals_stored == result.intervals > 0
    assert len(world.reachable()) == 24


@pytest.mark.parametrize("lie_s", [0, 365 * 86_400])
def test_the_network_s_time_tells_how_long_datagrams_are_on_their_way_and_sets_no_clock(lie_s):
    """Not even under a collector whose time is a year ahead."""
    with Run(new_district(8, 1), 1, DAYS, lambda _hour: None) as run:
        world = run.world
        root = world.node(0).link_time
        world.loop.call_later(1, lambda: root.lead(lambda now: world.start_s + now + lie_s))
        result = run.live()
        now, stations = world.loop.time(), [world.node(number).link_time for number in range(1, 9)]
        assert root.stamp(now) == round((world.start_s + now + lie_s) * 1000) % 2**32
        assert all(root.age_s(time.stamp(now), now) < time.error_s(now) + 0.002 < 1.002 for time in stations)
        routes = world.installation.sites[0].neighbourhood.routes()
        drifts = [meter.clock.reading(now + world.start_s) - now - world.start_s for meter in world.meters]
    assert broken(result) == {}
    assert all(route.rank >= 128 * route.hops for route in routes)
    assert all(0 <= route.latency_s < 60 for route in routes)
    assert max(map(abs, drifts)) <= 1e-6 * world.district.reading.drift_ppm_max * now + 0.001


def reached_without_the_second():
    """How many of 16 meters under two collectors are reachable while the second has been dead for an hour."""
    dead = Fault(kind="collector-reboot", at_s=900, for_s=86_400, target="C2")
    reached = []
    with Run(
        msgspec.structs.replace(new_district(16, 1, collectors=2), faults=[dead]), 1, DAYS, lambda _hour: None
    ) as run:
        world = run.world
        world.loop.call_later(890, lambda: reached.append(len(world.node(1).routes())))
        world.loop.call_later(5000, lambda: reached.append(len(world.reachable())))
        return run.live(), reached


def test_the_meters_of_a_dead_collector_go_to_the_next(monkeypatch):
    """And the back office reaches them there by the name of the neighbourhood. A twin stays with the dead root."""
    result, (served, reached) = reached_without_the_second()
    assert served > 3
    assert reached == 16
    assert broken(result) == {}
    assert result.intervals_stored == result.intervals > 0
    monkeypatch.setattr(belonging, "ROOT_SILENT_S", 86_400.0)
    _, (_, reached) = reached_without_the_second()
    assert reached < 16
