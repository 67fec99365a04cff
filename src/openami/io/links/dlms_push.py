"""DLMS pushes over a link: a meter's side that waits for the confirmation, and a listener's side that gives it."""

from __future__ import annotations

from collections.abc import Callable

from openami.io.clock import Clock
from openami.io.links.driver import Driver
from openami.io.links.link import Link
from openami.model.errors import LinkError
from openami.protocols.dlms.counters import Counters, Persist, apply
from openami.protocols.dlms.events import Closed
from openami.protocols.dlms.push_receiver import PushEvent, PushReceiver
from openami.protocols.dlms.push_sender import NotConfirmed, Notification, Pushed, PushSender, PushSenderEvent


async def push_dlms(
    link: Link, sender: PushSender, notification: Notification, clock: Clock, *, counters: Counters
) -> Pushed | NotConfirmed:
    """Push over `link` and say how it ended; raises `LinkError` if the link ends before. The link stays open."""
    driver: Driver[PushSenderEvent] = Driver(sender, link, clock)
    sender.send(notification, clock.monotonic())
    while True:
        event = await driver.next_event()
        if isinstance(event, Persist):
            sender.persisted(apply(counters, event), clock.monotonic())
        elif isinstance(event, Pushed | NotConfirmed):
            await driver.flush()
            return event


async def listen_dlms(
    link: Link, receiver: PushReceiver, clock: Clock, *, counters: Counters, take: Callable[[PushEvent], None]
) -> None:
    """Take what comes over `link` until it ends; `take` sees all events but `Persist`. Closes the link.

    A push is confirmed after `take` has had it: what `take` raises ends the listening, and nothing was confirmed.
    """
    driver: Driver[PushEvent] = Driver(receiver, link, clock)
    try:
        while True:
            event = await driver.next_event()
            if isinstance(event, Persist):
                receiver.persisted(apply(counters, event), clock.monotonic())
                continue
            take(event)
            if isinstance(event, Closed):
                return
    except LinkError:
        return
    finally:
        await link.close()
