"""A hostile collector, a replayed upload, a forged wake-up; each drill has a twin without its guard, which fails."""

from __future__ import annotations

import asyncio

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from collector_rig import Site, Zone, heard, numbers, until
from openami.field.collector import DirectMeters
from openami.headend import collector_session
from openami.headend.collector_session import Allowance, CollectorName, CollectorSession
from openami.headend.collectors import CollectorTarget, certified
from openami.io.clock import SystemClock
from openami.io.links.channels import Channels
from openami.io.links.memory import memory_pair
from openami.model.errors import DecodeError, LinkError
from openami.protocols.zones.collector_connection import CollectorConnection, CollectorRole
from openami.protocols.zones.collector_message import (
    VERSION,
    Collected,
    Hello,
    KnownMeter,
    Lane,
    LaneSpool,
    MetersKnown,
    Upload,
    UploadItem,
    encode_collector_message,
)
from openami.protocols.zones.wake_up import WakeUp, WakeUpGuard, encode_wake_up
from virtual_loop import in_virtual_time


async def hostile(zone, name, spool="s"):
    """A connection that says what a program of somebody else's wants to say."""
    near, far = memory_pair()
    zone.call(far, CollectorName(name, ""))
    channels = Channels(CollectorConnection(CollectorRole.COLLECTOR, zone.clock.monotonic()), near, zone.clock)
    await channels.send(Hello(VERSION, "hostile", [LaneSpool(Lane.BULK, spool)]))
    await channels.next_event()
    return channels


def upload(first, payloads, spool="s"):
    items = [encode_collector_message(Collected(0.0, "m1", payload)) for payload in payloads]
    return Upload(spool, [UploadItem(first + at, item) for at, item in enumerate(items)])


async def replay(zone):
    """Upload three items, and the same three again, also over a new connection."""
    for _ in range(2):
        channels = await hostile(zone, "c1")
        for _ in range(2):
            await channels.send(upload(1, heard(range(3))))
            await asyncio.sleep(1)
        await channels.close()
        await asyncio.sleep(1)
    return numbers(zone.pushes())


@in_virtual_time
async def test_a_replayed_upload_adds_nothing():
    assert await replay(Zone()) == [0, 1, 2]


@in_virtual_time
async def test_twin_without_positions_a_replay_doubles(monkeypatch):
    async def take_all(self, message):
        self._expected[message.spool] = 0
        await take(self, message)

    take = CollectorSession._take
    monkeypatch.setattr(CollectorSession, "_take", take_all)
    assert await replay(Zone()) != [0, 1, 2]


async def flood(zone):
    """Send far more than the window without waiting; how many bytes the head-end came to hold."""
    channels = await hostile(zone, "c1")
    session = zone.headend._collectors._sessions["c1"]
    most = 0
    try:
        for number in range(200):
            await channels.send(upload(1 + number * 10, heard(range(10), 1000)))
            await asyncio.sleep(0)
            most = max(most, session._waiting_bytes)
    except LinkError:
        pass
    return most


TIGHT = Allowance(window_bytes=1 << 14, bytes_per_s=1_000)


@in_virtual_time
async def test_a_flood_beyond_the_window_ends_the_connection():
    assert await flood(Zone(allowance=TIGHT)) <= (1 << 14) + 12_000


@in_virtual_time
async def test_twin_without_the_window_a_flood_fills_the_memory(monkeypatch):
    def keep(self, message):
        self._waiting_bytes += collector_session._size(message)
        self._waiting.append(message)

    monkeypatch.setattr(CollectorSession, "_queue", keep)
    assert await flood(Zone(allowance=TIGHT)) > 100_000


@in_virtual_time
async def test_a_collector_cannot_draw_meters_of_another_neighbourhood_to_itself():
    zone = Zone()
    honest = Site("c1", zone, DirectMeters({"m1": ("10.0.0.1", 1)}), group="hill").start()
    await until(lambda: honest.collector.uplink.connected)
    liar = await hostile(zone, "c9")
    await liar.send(MetersKnown([KnownMeter("m1", None)], []))
    await asyncio.sleep(1)
    collectors = zone.headend._collectors
    assert collectors._way(collectors_target("c1", "m1")).who.name == "c1"
    assert collectors._way(collectors_target("hill", "m1")).who.name == "c1"


def collectors_target(name, address):
    return CollectorTarget(name, address)


def test_who_shows_no_certificate_is_nobody():
    near, _ = memory_pair()
    with pytest.raises(LinkError, match="no certificate"):
        certified(near)


@in_virtual_time
async def test_a_spool_that_the_greeting_did_not_name_ends_the_connection():
    zone = Zone()
    channels = await hostile(zone, "c1")
    await channels.send(upload(1, heard([1]), spool="other"))
    with pytest.raises(LinkError):
        await channels.next_event()
    assert zone.spool.waiting == 0


@in_virtual_time
async def test_too_many_spools_of_one_collector_are_refused():
    zone = Zone()
    for number in range(70):
        try:
            channels = await hostile(zone, "c1", spool=f"s{number}")
            await channels.send(upload(1, heard([number]), spool=f"s{number}"))
            await asyncio.sleep(1)
        except (LinkError, DecodeError):
            break
    assert zone.spool.waiting == 64


KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
FORGER = Ed25519PrivateKey.from_private_bytes(bytes(32))
NOW = int(SystemClock().time())


def woken_by(raw, guard):
    try:
        guard.accept(raw, NOW)
    except Exception:
        return False
    return True


def test_a_forged_wake_up_wakes_nobody():
    assert not woken_by(encode_wake_up(WakeUp("c1", NOW, 60, 9), FORGER), WakeUpGuard("c1", KEY.public_key(), 0))


def test_twin_without_the_signature_a_forged_wake_up_wakes():
    class Anybody:
        def verify(self, signature, data):
            """The guard removed."""

    assert not isinstance(Anybody(), Ed25519PublicKey)
    assert woken_by(encode_wake_up(WakeUp("c1", NOW, 60, 9), FORGER), WakeUpGuard("c1", Anybody(), 0))


def test_a_replayed_wake_up_wakes_nobody_and_its_twin_without_the_counter_does():
    raw = encode_wake_up(WakeUp("c1", NOW, 60, 9), KEY)
    guard = WakeUpGuard("c1", KEY.public_key(), 0)
    assert woken_by(raw, guard)
    assert woken_by(raw, guard), "the twin: nobody has told the guard that the counter is kept"
    guard.accepted(9)
    assert not woken_by(raw, guard)
