"""A meter's pushes repeated until somebody who may confirm them has them on a disk, and not after."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from dlms_pair import ENERGY_OCTETS
from meter_bench import CLIENT_TITLE, CONFIG, KEYS, METER_TITLE, START, BenchClock, make_meter
from openami.field.meter import codes
from openami.field.meter.curve import SteadyCurve
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.faces.push import live
from openami.headend import Headend, HeadendSettings
from openami.io.clock import SystemClock
from openami.io.links.dlms_push import listen_dlms, push_dlms
from openami.io.links.link import Link
from openami.io.links.memory import memory_pair
from openami.io.spool import FileSpool
from openami.model.errors import DecodeError, LinkError, SecurityError, StoreError
from openami.model.event import EventCode
from openami.protocols.dlms.access_result import DataAccessResult
from openami.protocols.dlms.apdu import decode_apdu, encode_apdu
from openami.protocols.dlms.ciphered import GeneralGloCiphering
from openami.protocols.dlms.cosem.push_setup import PushOperationMethod, PushSetup2, RepetitionDelay
from openami.protocols.dlms.counters import MemoryCounters, ReceiveWindow, SendCounter
from openami.protocols.dlms.framing import Role
from openami.protocols.dlms.notification import DataNotification, DataNotificationConfirm
from openami.protocols.dlms.push_receiver import PushEvent, PushKeys, PushReceived, PushReceiver
from openami.protocols.dlms.push_sender import Pushed, PushSender
from openami.protocols.dlms.receipt import receipt_of
from openami.protocols.dlms.security import protect, unprotect
from openami.protocols.dlms.wrapper import WrapperFraming, decode_wrapper, encode_wrapper
from openami.protocols.zones import decode_push
from openami.simulation.disk import FaultDisk
from procedure_pair import MeterPair

ALARM = codes.PUSH_ON_ALARM
CONFIRMED = PushOperationMethod.CONFIRMED_RETRY_ON_MISSING_CONFIRMATION
ASKING = 1 << 30 | 7
PLAIN = DataNotification(ASKING, None, ENERGY_OCTETS)
SILENCE_S = 300
"""How long it is looked for a push that must not come (the meter's seconds; its set-up repeats after ten)."""


def confirming_meter(**changes: object) -> ElectricityMeter:
    meter = make_meter(push_setup_version=2, **changes)
    pair = MeterPair(meter)
    for attribute, value in (
        (PushSetup2.push_operation_method, CONFIRMED),
        (PushSetup2.number_of_retries, 5),
        (PushSetup2.repetition_delay, RepetitionDelay(10, 100, 10)),
    ):
        assert pair.write(attribute, ALARM, value) == DataAccessResult.SUCCESS
    return meter


class Living:
    """A meter that lives by a clock of its own and pushes over links that `other` gets the far ends of."""

    def __init__(self, meter: ElectricityMeter, other: Callable[[Link], object]) -> None:
        self.meter = meter
        self.clock = BenchClock(START)
        self.pushed: list[int] = []
        self._other = other
        self._listening: list[asyncio.Future[object]] = []

    async def deliver(self, apdu: bytes, client_sap: int) -> Link:
        self.pushed.append(int(self.clock.at) - START)
        near, far = memory_pair()
        self._listening.append(asyncio.ensure_future(self._other(far)))
        await near.send(encode_wrapper(apdu, 1, client_sap))
        return near

    async def until(self, second: int) -> None:
        for _ in range(100_000):
            if self.clock.at >= START + second:
                return
            await asyncio.sleep(0)
        raise AssertionError("the meter's time stands still")

    @asynccontextmanager
    async def life(self) -> AsyncIterator[Living]:
        task = asyncio.ensure_future(live(self.meter, self.clock, self.deliver))
        try:
            yield self
            assert not task.done()
        finally:
            task.cancel()
            await asyncio.gather(task, *self._listening, return_exceptions=True)


def confirmation(number: int, counter: int, title: bytes = CLIENT_TITLE) -> bytes:
    plain = encode_apdu(DataNotificationConfirm(number))
    return encode_apdu(GeneralGloCiphering(title, protect(KEYS, title, counter, 0x30, plain)))


def number_of(apdu: bytes | None) -> int:
    outer = decode_apdu(apdu or b"")
    assert isinstance(outer, GeneralGloCiphering)
    push = decode_apdu(unprotect(KEYS, METER_TITLE, outer.content))
    assert isinstance(push, DataNotification)
    return push.long_invoke_id_and_priority


async def test_a_sealed_push_is_repeated_until_it_was_taken_and_not_after() -> None:
    taken: list[PushReceived] = []
    windows = {METER_TITLE: PushKeys(KEYS, ReceiveWindow())}
    counters, sending, disks = MemoryCounters(), SendCounter("confirmations"), ["full", "full"]

    def take(event: PushEvent) -> None:
        if isinstance(event, PushReceived):
            if disks:
                raise StoreError(f"the disk is {disks.pop()}")
            taken.append(event)

    async def listener(link: Link) -> None:
        receiver = PushReceiver(
            WrapperFraming(Role.CLIENT, 103, 1), windows.get, own_system_title=CLIENT_TITLE, sending=sending
        )
        await listen_dlms(link, receiver, SystemClock(), counters=counters, take=take)

    async with Living(confirming_meter(), listener).life() as living:
        living.meter.alarm(EventCode.COVER_OPENED, START)
        await living.until(SILENCE_S)
    assert len(taken) == 1
    first, second, third = living.pushed
    assert second >= first + 10
    assert third >= second + 10
    assert living.meter.pushes.last_confirmation is not None


def relay(space: int = 1 << 20) -> tuple[Headend, FileSpool]:
    held = FileSpool(Path("spool"), disk=FaultDisk(), random=random.Random(1).randbytes, limit_bytes=space)
    return Headend(HeadendSettings(), SystemClock(), held), held


async def test_the_head_end_confirms_a_plain_push_when_it_is_on_the_disk() -> None:
    """A spool without room takes nothing and confirms nothing; the same push, sent again to one with room, ends it."""
    ended = []
    for space in (1, 1 << 20):
        headend, held = relay(space)
        near, far = memory_pair()
        taking = asyncio.ensure_future(headend.take_pushes(far))
        sender = PushSender(WrapperFraming(Role.SERVER, 103, 1), 103)
        try:
            pushed = await push_dlms(near, sender, PLAIN, SystemClock(), counters=MemoryCounters())
            ended.append((pushed, held.waiting))
        except LinkError:
            ended.append((None, held.waiting))
        await near.close()
        await taking
        spooled = [decode_push(item.content).content for item in held.read(0, 10)]
        await headend.close()
    assert ended == [(None, 0), (Pushed(7, confirmed=True), 1)]
    assert [decode_apdu(decode_wrapper(item).apdu) for item in spooled] == [PLAIN]


async def test_the_head_end_cannot_confirm_what_is_sealed() -> None:
    """It holds no key: the meter repeats as its set-up says, then gives up. All came, and none was confirmed."""
    headend, held = relay()
    async with Living(confirming_meter(push_confirmation_s=1), headend.take_pushes).life() as living:
        living.meter.alarm(EventCode.COVER_OPENED, START)
        await living.until(SILENCE_S)
    assert len(living.pushed) == 6
    assert living.meter.pushes.last_confirmation is None
    assert held.waiting == 6
    await headend.close()


def test_a_relay_that_lies_confirms_nothing() -> None:
    meter = confirming_meter()
    meter.alarm(EventCode.COVER_OPENED, START)
    sealed = meter.next_push() or b""
    number = number_of(sealed)
    genuine = confirmation(number, 1)
    untitled = encode_apdu(GeneralGloCiphering(b"OAC", protect(KEYS, CLIENT_TITLE, 1, 0x30, b"")))
    for lie in (encode_apdu(DataNotificationConfirm(number)), sealed, genuine[:-1] + b"\x00", untitled, b""):
        with pytest.raises((SecurityError, DecodeError)):
            meter.pushes.answered(lie)
    assert meter.pushes.addressed(sealed)[1], "still waited for"
    assert meter.pushes.answered(genuine)


def test_a_confirmation_counts_once_even_for_a_meter_that_was_restarted() -> None:
    """Its pushes are numbered from the beginning again; what was recorded before confirms none of them."""
    counters = MemoryCounters()
    config = replace(CONFIG, push_confirmation_s=30)
    before, after = (ElectricityMeter(config, SteadyCurve(1), START, counters) for _ in range(2))
    before.alarm(EventCode.COVER_OPENED, START)
    number = number_of(before.next_push())
    assert before.pushes.answered(confirmation(number, 5))
    after.alarm(EventCode.COVER_OPENED, START)
    assert number_of(after.next_push()) == number
    with pytest.raises(SecurityError, match="replay"):
        after.pushes.answered(confirmation(number, 5))
    assert after.pushes.answered(confirmation(number, 6))


@pytest.mark.parametrize(
    "push",
    [
        encode_wrapper(encode_apdu(DataNotification(7, None, ENERGY_OCTETS)), 1, 103),
        encode_apdu(PLAIN),
        encode_wrapper(encode_apdu(PLAIN), 1, 103)[:-1],
        encode_wrapper(encode_apdu(PLAIN), 1, 103)[:12],
        encode_wrapper(confirmation(ASKING, 1), 1, 103),
        b"",
    ],
)
def test_what_gets_no_receipt(push: bytes) -> None:
    assert receipt_of(push) == b""


def test_a_receipt_goes_where_the_push_came_from() -> None:
    receipt = decode_wrapper(receipt_of(encode_wrapper(encode_apdu(PLAIN), 1, 103)))
    assert (receipt.source, receipt.destination) == (103, 1)
    assert decode_apdu(receipt.apdu) == DataNotificationConfirm(ASKING)
