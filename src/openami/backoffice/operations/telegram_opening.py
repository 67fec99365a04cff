"""Telegrams of meters that only tell: wireless M-Bus, P1 and SML, out of the spool as a receiver heard them; and what a
collector read with a key of its own, which is worth no more.

Wireless telegrams travel sealed and are opened here, with the meter's key from the keystore; a wireless meter's system
title in the registry is its address as the link layer has it (manufacturer, number, version, type: eight bytes), and
its one key stands in the keystore as encryption key. P1 and SML meters are found by the number that they tell;
encrypted P1 by the system title in front, which is the registry's, and opened with the meter's two keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

from openami.backoffice.operations.cause import Cause
from openami.backoffice.operations.intake import Intake
from openami.backoffice.operations.notes import Notes
from openami.backoffice.operations.port_sub_meters import told_beside
from openami.backoffice.operations.push_store import KeptPush, PushState, PushStore
from openami.backoffice.operations.session_result import Undecodable
from openami.backoffice.operations.sessions import FindKeys
from openami.backoffice.operations.single_values import SingleValues
from openami.backoffice.registry.registry import Registry
from openami.io.keystore.meter_keys import NoKeys
from openami.model.errors import DecodeError, SecurityError
from openami.model.measurement import Measurement
from openami.model.point import Meter
from openami.model.quality import GuaranteeClass
from openami.model.reading import RegisterReading
from openami.protocols.iec62056_21.p1_encrypted import TAG, Authentication, decode_encrypted, open_p1
from openami.protocols.iec62056_21.telegram import looks_like_p1, tell_p1
from openami.protocols.mbus.wireless.address import MeterAddress
from openami.protocols.mbus.wireless.opening import Protection
from openami.protocols.mbus.wireless.reader import Reading, WirelessReader
from openami.protocols.mbus.wireless.telegram import looks_like_wireless
from openami.protocols.sml.telegram import tell_sml
from openami.protocols.sml.transport import START
from openami.protocols.zones.collector_reading import MAGIC, tell_collector_reading

DLMS_BEGINS = (b"\x00\x01", b"\x7e", b"\xdb", b"\xdd", b"\xdf", b"\x0f", b"\xc2", b"\xe0", b"\xe6\xe7", b"\xe7")
"""What is pushed by DLMS; such bytes are a telegram only if the registry knows its meter."""
ENCRYPTED_BEGINS = bytes((TAG,))
TEXT, WIRELESS, SML = "p1", "wmbus", "sml"


class Taken(NamedTuple):
    """What became of a telegram, and the registers that it tells."""

    state: PushState
    registers: Sequence[RegisterReading] = ()


def may_be_plain(meter: Meter) -> bool:
    """Whether bytes that anybody could have written are believed in the name of this meter."""
    return meter.guarantee is GuaranteeClass.UNAUTHENTICATED


class _KeystoreKeys:
    """The keystore as wireless M-Bus asks it."""

    def __init__(self, find_keys: FindKeys) -> None:
        self._find_keys = find_keys

    def of(self, address: MeterAddress) -> tuple[bytes, ...]:
        """The key of this meter, and no other."""
        try:
            return (self._find_keys(address.link_order).global_unicast_encryption_key,)
        except NoKeys:
            return ()


class TelegramOpening:
    """Opens what a receiver heard. Synchronous; joins the caller's transaction.

    Of each meter one telegram in `every_s` seconds becomes readings: meters repeat themselves every few seconds, and
    several receivers hear the same. A telegram that is protected less than the registry says of its meter is refused.
    """

    def __init__(
        self,
        pushes: PushStore,
        notes: Notes,
        registry: Registry,
        intake: Intake,
        find_keys: FindKeys,
        *,
        every_s: int,
    ) -> None:
        self._pushes = pushes
        self._notes = notes
        self._registry = registry
        self._intake = intake
        self._values = SingleValues(registry)
        self._find_keys = find_keys
        self._keys = _KeystoreKeys(find_keys)
        self._reader = WirelessReader(self._keys)
        self._every_s = every_s
        self._stored: dict[int, tuple[int, int]] = {}
        self._refused: dict[tuple[int, Cause], tuple[int, int]] = {}

    def open(self, kept: KeptPush, now: datetime) -> Taken | None:
        """None if it is no telegram of these protocols. Telegrams of meters that are not ours are left as they came."""
        content = kept.content
        if content.startswith(MAGIC):
            told = tell_collector_reading(content)
            return self._told(kept, now, told.protocol, told.meter, told.values)
        sealed = content.startswith(DLMS_BEGINS)  # may hold anything, also what looks like text
        if START in content[:16] and not sealed:
            told = tell_sml(content)
            return self._told(kept, now, SML, told.meter, told.values)
        if looks_like_p1(content) and not sealed:
            told = tell_p1(content)
            return self._told(kept, now, TEXT, told.meter, told.values)
        if content[:1] == ENCRYPTED_BEGINS and (taken := self._encrypted(kept)) is not None:
            return taken
        return self._wireless(kept, now) if looks_like_wireless(content) else None

    def _told(self, kept: KeptPush, now: datetime, protocol: str, number: str, values: Sequence[Measurement]) -> Taken:
        """Plain bytes that anybody could have written: believed only of meters of which nothing better is known."""
        meter = self._registry.meter_by_serial(number) if number else None
        if meter is None:
            return Taken(PushState.FOREIGN)
        if not may_be_plain(meter):
            why = f"meter {meter.serial} seals what it tells better: this {protocol} telegram is plain"
            return self._refuse(kept, meter, Undecodable(Cause.SECURITY_ERROR, why, (kept.content,)), now)
        return self._take(kept, meter, protocol, kept.content, values)

    def _encrypted(self, kept: KeptPush) -> Taken | None:
        """Encrypted P1 of a meter that only tells; None if it is none, or stays closed: pushes of DLMS begin alike."""
        try:
            sealed = decode_encrypted(kept.content)
        except DecodeError:
            return None
        meter = self._registry.meter_by_system_title(sealed.system_title)
        plain = None if meter is None or meter.two_way else self._opened(kept.content, meter)
        if meter is None or plain is None:
            return None
        if not self._pushes.first_time(kept, meter.system_title, sealed.invocation_counter):
            return Taken(PushState.REPEATED)
        return self._take(kept, meter, TEXT, plain, tell_p1(plain).values)

    def _opened(self, content: bytes, meter: Meter) -> bytes | None:
        """The P1 telegram inside; meters differ in what the tag covers."""
        try:
            keys = self._find_keys(meter.system_title)
        except NoKeys:
            return None
        for covered in (Authentication.WITH_KEY, Authentication.WITHOUT_KEY):
            with suppress(SecurityError):
                plain = open_p1(content, keys.global_unicast_encryption_key, covered, keys.authentication_key)
                return plain if looks_like_p1(plain) else None
        return None

    def _wireless(self, kept: KeptPush, now: datetime) -> Taken | None:
        try:
            reading = self._reader.read(kept.content)
        except DecodeError:
            return None
        meter = self._registry.meter_by_system_title(reading.telegram.meter.link_order)
        if meter is None:
            return None if kept.content.startswith(DLMS_BEGINS) else Taken(PushState.FOREIGN)
        refusal = self._refusal(reading, meter)
        if refusal is not None:
            return self._refuse(kept, meter, refusal, now)
        opened = reading.telegram.opened
        counter = None if opened is None else opened.counter
        if counter is not None and not self._pushes.first_time(kept, meter.system_title, counter):
            return Taken(PushState.REPEATED)
        plain = b"" if opened is None else opened.content
        return self._take(kept, meter, WIRELESS, plain, reading.values)

    def _refuse(self, kept: KeptPush, meter: Meter, refusal: Undecodable, now: datetime) -> Taken:
        if self._refused_already(kept, meter, refusal):
            return Taken(PushState.REPEATED)
        self._notes.quarantine(f"push {kept.id} of {kept.source}", meter.id, refusal, now)
        return Taken(PushState.QUARANTINED)

    def _refused_already(self, kept: KeptPush, meter: Meter, refusal: Undecodable) -> bool:
        """Whether such a telegram of this meter is in quarantine for this period: who shouts often fills no store."""
        slot = int(kept.received_at.timestamp()) // self._every_s
        first = self._refused.get((meter.id, refusal.cause))
        if first is not None and first[0] == slot and first[1] != kept.id:  # the same again: a rollback came between
            return True
        self._refused[meter.id, refusal.cause] = slot, kept.id
        return False

    def _refusal(self, reading: Reading, meter: Meter) -> Undecodable | None:
        """Why a telegram in the name of one of our meters is not believed, if it is not."""
        telegram = reading.telegram
        if telegram.pending or telegram.opened is None:
            return None
        keys, received = self._keys.of(telegram.meter), (telegram.data,)
        if telegram.opened.protection is Protection.CLOSED:
            cause = Cause.SECURITY_ERROR if keys else Cause.NO_KEYS
            return Undecodable(cause, "; ".join(reading.problems), received)
        guarantees = [value.guarantee for value in reading.values if value.guarantee is not None]
        weakest = max(guarantees, default=GuaranteeClass.UNAUTHENTICATED)
        plain = keys and telegram.opened.protection in {Protection.NONE, Protection.LIES}
        if plain or weakest > meter.guarantee:
            why = f"meter {meter.serial} seals its telegrams better: this one is {telegram.opened.protection.value}"
            return Undecodable(Cause.SECURITY_ERROR, f"{why}, {weakest.name.lower()}", received)
        if reading.problems and not reading.values:
            return Undecodable(Cause.DECODE_ERROR, "; ".join(reading.problems), received)
        return None

    def _take(self, kept: KeptPush, meter: Meter, protocol: str, plain: bytes, values: Sequence[Measurement]) -> Taken:
        slot = int(kept.received_at.timestamp()) // self._every_s
        taken = self._stored.get(meter.id)
        if taken is not None and taken[0] == slot and taken[1] != kept.id:  # the same again: a rollback came between
            return Taken(PushState.REPEATED)
        registers = [*self._registers(kept, meter, protocol, plain, values)]
        for beside, value in told_beside(self._registry, meter, values) if protocol == TEXT else ():
            registers += self._registers(kept, beside, protocol, plain, (value,))
        if registers:
            self._stored[meter.id] = slot, kept.id
        return Taken(PushState.OPENED, registers)

    def _registers(
        self, kept: KeptPush, meter: Meter, protocol: str, plain: bytes, values: Sequence[Measurement]
    ) -> Iterator[RegisterReading]:
        note = f"telegram heard by {kept.source}, {len(values)} values"
        evidence = self._intake.keep_evidence(meter.id, kept.received_at, protocol, (kept.content,), plain, note)
        yield from self._values.registers(meter.id, values, kept.received_at, evidence)
