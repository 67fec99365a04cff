"""Pushes over links in memory: confirmed after they were taken, and the end of the link told."""

from __future__ import annotations

import asyncio

import pytest

from dlms_pair import ENERGY_OCTETS
from openami.io.clock import SystemClock
from openami.io.links.dlms_push import listen_dlms, push_dlms
from openami.io.links.memory import memory_pair
from openami.model.errors import LinkError, StoreError
from openami.protocols.dlms.counters import MemoryCounters
from openami.protocols.dlms.framing import Role
from openami.protocols.dlms.notification import DataNotification
from openami.protocols.dlms.push_receiver import NotificationReceived, PushKeys, PushReceiver
from openami.protocols.dlms.push_sender import Pushed, PushSender
from openami.protocols.dlms.wrapper import WrapperFraming

CLOCK = SystemClock()
PUSH = DataNotification(1 << 30 | 7, None, ENERGY_OCTETS)


def sides():
    known: dict[bytes, PushKeys] = {}
    sender = PushSender(WrapperFraming(Role.SERVER, 103, 1), 103)
    return sender, PushReceiver(WrapperFraming(Role.CLIENT, 103, 1), known.get, accept_plain=True)


async def test_a_push_over_a_link_is_taken_and_confirmed():
    meter, listener = memory_pair()
    sender, receiver = sides()
    taken = []
    listening = asyncio.create_task(
        listen_dlms(listener, receiver, CLOCK, counters=MemoryCounters(), take=taken.append)
    )
    assert await push_dlms(meter, sender, PUSH, CLOCK, counters=MemoryCounters()) == Pushed(7, confirmed=True)
    await meter.close()
    await listening
    assert [event.notification for event in taken if isinstance(event, NotificationReceived)] == [PUSH]


async def test_what_was_not_taken_is_not_confirmed():
    meter, listener = memory_pair()
    sender, receiver = sides()

    def take(_event):
        raise StoreError("the disk is full")

    listening = asyncio.create_task(listen_dlms(listener, receiver, CLOCK, counters=MemoryCounters(), take=take))
    with pytest.raises(LinkError):
        await push_dlms(meter, sender, PUSH, CLOCK, counters=MemoryCounters())
    with pytest.raises(StoreError):
        await listening
