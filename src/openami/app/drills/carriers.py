"""Whoever carries pushes: head-end and collector, which have them all, and may drop, repeat, swap, invent and keep."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random

from sqlalchemy import func, select

from openami.app.drills.conversation import STRANGER
from openami.app.drills.drill import Removal, drill, ignored, stands
from openami.app.drills.inner_zone import DAY, GivenSpool, hours_of, inner_zone, pushes_of, pushing_meter
from openami.app.drills.world import DAY_S, START, octets_of, title_of
from openami.backoffice.mdm import placement
from openami.backoffice.operations import operations, push_opening, push_rows
from openami.backoffice.operations.alert_pipeline import AlertPipeline, Page, Place
from openami.backoffice.operations.push_store import PushState, PushStore
from openami.backoffice.operations.tables import spool_position
from openami.field.meter.push_queue import PushQueue
from openami.model.event import EventCode
from openami.model.point import Installation
from openami.protocols.dlms import security
from openami.protocols.zones.message import Push, SpoolItem, SpoolItems, encode_push

COLLECTOR = "collector"
HEAD_END = "HES DMZ host"
NOTHING = [[0] * 96, [0] * 96]
HOUR_S = 3600.0
READS_MAX = 2_000
_PLACE_OF = placement.place_of


@drill("A063", HEAD_END, Removal(security, "verify_tag", ignored))
def the_head_end_invents_readings() -> None:
    """Readings of its own under a meter's title, and a genuine push with any one bit changed: nothing is believed."""
    invented = hours_of(pushing_meter(keys=STRANGER), 3)
    alarm = pushing_meter()
    alarm.alarm(EventCode.COVER_OPENED, START + 60.0)
    *_, genuine = pushes_of(alarm)
    flipped = [_flipped(genuine, bit) for bit in range(16 * 8, len(genuine) * 8)]
    with inner_zone() as zone:
        zone.deliver([*invented, *flipped])
        stands(zone.values() == NOTHING, "a reading that no meter sent is in the store")
        stands(not zone.events(), f"events that no meter sent are believed: {zone.events()}")
        stands(zone.state(PushState.OPENED) == 0, "a push that no meter sent counts as opened")
        stands(zone.state(PushState.QUARANTINED) == len(invented) + len(flipped), "what was refused is not kept")
        zone.deliver([genuine])
        stands(len(zone.events()) == 1, "after forgeries the genuine push is refused")


def _flipped(apdu: bytes, bit: int) -> bytes:
    changed = bytearray(apdu)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@drill("A041", COLLECTOR, Removal(PushStore, "first_time", lambda *_: True))
def pushes_are_doubled_and_shuffled() -> None:
    """Whatever the order and however often: the same events and values as in order and once."""
    meter = pushing_meter()
    pushes = hours_of(meter, 6)
    for minute in range(8):
        meter.alarm(EventCode.COVER_OPENED, START + 6.5 * HOUR_S + minute * 60)
        pushes += pushes_of(meter)
    with inner_zone() as zone:
        zone.deliver(pushes)
        wanted = zone.values(), zone.events()
    stands(any(wanted[0][0]), "the genuine pushes brought nothing")
    for seed in range(3):
        mixed = pushes * 2
        Random(seed).shuffle(mixed)
        with inner_zone() as zone:
            zone.deliver(mixed)
            stands((zone.values(), zone.events()) == wanted, f"order {seed} gives another history")
            stands(zone.state(PushState.OPENED) == len(pushes), f"order {seed}: repeated pushes count")


@drill("A046", COLLECTOR, Removal(security, "verify_tag", ignored))
def a_collector_brings_pushes_of_a_meter_that_is_not_its_own() -> None:
    """Genuine ones count, whoever brings them, at their own meter; under another meter's title they do not open."""
    pushes = hours_of(pushing_meter(0), 2)
    renamed = [apdu.replace(title_of(0), title_of(1)) for apdu in pushes]
    foreign = [_flipped(apdu, 8 * len(apdu) - 1) for apdu in pushes]
    with inner_zone() as zone:
        zone.deliver([*renamed, *foreign], source="collector://other/m1")
        stands(zone.state(PushState.OPENED) == 0, "a push was opened that its meter did not seal like this")
        zone.deliver(pushes, source="collector://other/m1")
        mine, other = zone.values()
        stands(any(mine) and not any(other), "what another collector brought was not stored at its own meter")


@drill("A040", COLLECTOR, Removal(AlertPipeline, "heard", ignored))
def some_pushes_are_dropped() -> None:
    """One in twenty, or all of one customer: each hole in the counters of a meter is one alarm about the carrier."""
    for dropped in (_one_in_twenty, _all_of_one):
        line = AlertPipeline({f"m{n}": Place("T1", "c1") for n in range(20)}, HOUR_S)
        called: list[Page] = []
        for number in range(1, 41):
            now = START + number * HOUR_S
            carried = [meter for meter in range(20) if number == 1 or not dropped(meter, number)]
            called += filter(None, [line.heard(f"m{meter}", number, now) for meter in carried])
            called += line.check(now)
        stands(called, "pushes are dropped and nobody is called")
        stands(called[0].at <= START + 5 * HOUR_S, "whoever drops pushes has more than two periods for it")


@drill("A010", "rogue meter", Removal(push_opening, "_holds", lambda _content, _apdu: True))
def two_devices_use_the_keys_of_one() -> None:
    """A copy of a meter with its keys and counters: where both say something else under one number, it is seen."""
    meter, double = pushing_meter(), pushing_meter()
    pushes, copies = hours_of(meter, 4), list[bytes]()
    for minute in range(3):
        double.alarm(EventCode.MAGNETIC_FIELD, START + minute * 60)
        copies += pushes_of(double)
    with inner_zone() as zone:
        for push in (*pushes, *pushes):
            zone.deliver([push])
        stands(not zone.notes.quarantined(), "what was only repeated is taken for a copy")
        for push in copies:
            zone.deliver([push])
        told = [one for one in zone.incidents() if one.code == push_opening.TWO_DEVICES]
        stands(len(told) == 1, f"a copy of a meter makes {len(told)} incidents")
        stands(told[0].alerts >= 2, "the incident does not count what the copy said")
        kept = zone.notes.quarantined()
        stands(len(kept) >= 2 and all(len(one.received) == 2 for one in kept), "not both pushes are kept for a person")


@drill("A037", "local port", Removal(PushQueue, "_again", lambda self, push, _second: self._drop(push)))
def a_cover_is_opened_while_the_meter_is_off_the_network() -> None:
    """For eight hours nobody takes what the meter says: afterwards all of it arrives, sealed and in its order."""
    meter, told = pushing_meter(), (EventCode.COVER_OPENED, EventCode.MAGNETIC_FIELD, EventCode.COVER_CLOSED)
    for hour, code in enumerate(told):
        meter.alarm(code, START + hour * HOUR_S)
        for minute in range(1, 60):
            meter.advance(START + hour * HOUR_S + minute * 60)
            for push in pushes_of(meter):
                meter.pushes.failed(push, START + hour * HOUR_S + minute * 60)
    back = START + 8 * HOUR_S
    meter.advance(back)
    late = [*pushes_of(meter)]
    for push in late:
        meter.pushes.delivered(push)
    with inner_zone() as zone:
        zone.deliver(late)
        arrived = [code for _, _, code in zone.events()]
        stands(arrived == [*told], f"of {len(told)} tampers {len(arrived)} are known")


@drill("A021", "NAN radio", Removal(AlertPipeline, "told", ignored))
def a_wireless_meter_is_jammed_and_its_telegrams_are_delivered_later() -> None:
    """Of a meter that nobody asks only its silence tells: one alarm within two periods, and none before."""
    line = AlertPipeline({"w1": Place("T1", "c1")}, HOUR_S)
    heard = [START + quarter * 900.0 for quarter in range(40)]
    called: list[Page] = []
    for at in heard:
        line.told("w1", at)
        called += line.check(at)
    stands(not called, "somebody is called while all is well")
    jammed = [heard[-1] + quarter * 900.0 for quarter in range(1, 13)]
    for at in jammed:
        called += line.check(at)
    stands(len(called) == 1, f"a meter is silent for three hours, and {len(called)} are called")
    stands(called[0].at <= heard[-1] + 2.5 * HOUR_S, "who jams a meter has more than two periods for it")


def _one_in_twenty(meter: int, number: int) -> bool:
    return (meter * 7 + number) % 20 == 3


def _all_of_one(meter: int, _number: int) -> bool:
    return meter == 5


def _furthest(store: PushStore) -> int:
    """As if all spools were one."""
    with store._store.reading() as connection:
        return int(connection.execute(select(func.max(spool_position.c.through))).scalar() or 0)


def _counted_from_1(spool: str, contents: list[bytes]) -> SpoolItems:
    pushes = [encode_push(Push(float(START), "10.0.0.1:4059", "tcp", content)) for content in contents]
    return SpoolItems(spool, [SpoolItem(number, raw) for number, raw in enumerate(pushes, 1)])


@drill("A068", HEAD_END, Removal(PushStore, "position", lambda self, _spool: _furthest(self)))
def the_head_end_is_lost_and_another_takes_its_place() -> None:
    """The new one's spool counts from 1 again: all that meters push to it counts, under the keys that they have."""
    meter = pushing_meter()
    first, then = hours_of(meter, 2), []
    for hour in range(3, 6):
        meter.advance(START + hour * HOUR_S)
        then += list(pushes_of(meter))
    with inner_zone() as zone:
        zone.deliver(first, spool="old")
        before = sum(zone.values()[0])
        zone.take(_counted_from_1("new", then))
        stands(sum(zone.values()[0]) > before, "what meters push to the new head-end is passed over")
        stands(zone.state(PushState.QUARANTINED) == 0, "under the keys that the meters have, pushes do not open")


def _anywhere(installation: Installation) -> placement.Place:
    return replace(_PLACE_OF(installation), start=0)


@drill("A007", "rogue meter", Removal(placement, "place_of", _anywhere))
def intervals_of_before_the_meter_was_hung() -> None:
    """A meter may say what it likes of the time before: it counts for nobody, and is kept aside."""
    with inner_zone(DAY + timedelta(hours=2)) as zone:
        zone.deliver(hours_of(pushing_meter(), 4))
        values = zone.values()[0]
        stands(any(values[8:]), "what the meter measured at the point is not stored")
        stands(not any(values[:8]), "intervals of before the meter was hung count for the customer")


@drill("A007", "rogue meter", Removal(push_rows, "_check_times", ignored))
def intervals_of_the_future_and_of_long_ago() -> None:
    """A meter whose clock is days ahead, or a year behind, fills no interval: its push is kept for a person."""
    for wrong_s in (3 * DAY_S, -365 * DAY_S):
        meter = pushing_meter()
        meter.set_clock(START + wrong_s, START)
        pushes = hours_of(meter, 2)
        with inner_zone(DAY - timedelta(days=400)) as zone:
            zone.deliver(pushes)
            other = DAY + timedelta(seconds=wrong_s)
            told = zone.mdm.series(zone.points[0], 1, other, other + timedelta(hours=3)).values
            stands(not any(told), "rows of another day count")
            stands(len(zone.notes.quarantined()) >= 2, "what a wrong clock says is not kept for a person")


class _Endless(GivenSpool):
    """A spool that always has one item more; the first of them is genuine."""

    def __init__(self, genuine: bytes) -> None:
        super().__init__()
        self._genuine = genuine
        self._reads = 0

    async def read_spool(self, after: int, _limit: int) -> SpoolItems:
        self._reads += 1
        stands(self._reads < READS_MAX, f"{READS_MAX} reads of a spool without end, and nothing was opened yet")
        content = self._genuine if not after else octets_of(f"item {after}", 32)
        return SpoolItems(
            "endless", [SpoolItem(after + 1, encode_push(Push(float(START), "10.0.0.1:1", "tcp", content)))]
        )


@drill("A066", HEAD_END, Removal(operations, "PULL_BATCHES_MAX", 1 << 40))
def the_spool_has_always_one_item_more() -> None:
    """It is taken in parts, and what is genuine in it is opened after the first of them."""
    alarm = pushing_meter()
    alarm.alarm(EventCode.COVER_OPENED, START + 60.0)
    *_, genuine = pushes_of(alarm)
    with inner_zone() as zone:
        zone.pull(_Endless(genuine))
        stands(len(zone.events()) == 1, "a genuine alarm in a spool without end was not opened")
