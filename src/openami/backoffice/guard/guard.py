"""The guard: counts what the authority has signed, holds back what is too much, seals the rest.

What it decides is on the disk before a sealed byte leaves. If the disk fails, the clocks disagree or the history is
broken, nothing is sealed: reading goes on without the guard.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Final, NamedTuple

import msgspec

from openami.backoffice.guard.clocks import agreed_time
from openami.backoffice.guard.decide import Allow, decide
from openami.backoffice.guard.effect import Effect, effect_of
from openami.backoffice.guard.events import (
    Deleted,
    Event,
    FirmwareFailed,
    LimitsSigned,
    PlanActivated,
    PlanPrepared,
    Quarantined,
    Resealed,
    Sealed,
    decode_event,
    encode_event,
)
from openami.backoffice.guard.limits import CHANGE_DELAY_S, Limits
from openami.backoffice.guard.network import Network
from openami.backoffice.guard.people import GuardPeople, agree
from openami.backoffice.guard.plans import ACTIVATED_BY, PREPARED_BY, EmergencyPlan
from openami.backoffice.guard.state import GuardState
from openami.io.spool.chain import RecordChain
from openami.model.errors import SecurityError
from openami.protocols.seal.approval import ApprovalRecord
from openami.protocols.seal.closing import GuardSeal, Recipient, seal_command
from openami.protocols.seal.keys import Authority
from openami.protocols.seal.passkey import Assertion
from openami.protocols.seal.signed import SignedCommand, read_signed
from openami.protocols.wire.declared import codec_of, decode_all, encode_all

RELEASED_BY: Final = 2
_NUMBERS: Final = 32


class Envelope(NamedTuple):
    """A sealed command on its way to `recipient`."""

    digest: bytes
    recipient: bytes
    octets: bytes


class Held(NamedTuple):
    """A command in quarantine, and why."""

    digest: bytes
    check: str
    reason: str


Verdict = Envelope | Held


class Guard:
    """`recipients` finds a meter's keys; `clocks` are three time sources that do not hang on each other."""

    def __init__(
        self,
        seal: GuardSeal,
        authorities: Mapping[bytes, Authority],
        recipients: Callable[[bytes], Recipient],
        network: Network,
        people: GuardPeople,
        records: RecordChain,
        clocks: Sequence[Callable[[], float]],
        limits: Limits | None = None,
    ) -> None:
        self._seal = seal
        self._authorities = authorities
        self._recipients = recipients
        self._people = people
        self._records = records
        self._clocks = clocks
        self.state = GuardState(network, limits)
        for raw in records.replay():
            self.state.apply(decode_event(raw))

    # Commands

    def submit(self, record: ApprovalRecord, signed: Sequence[bytes]) -> list[Verdict]:
        """Seal or hold back each of `signed`, which were approved together.

        Raises `SecurityError` if one is not the authority's or not of this approval; then none is looked at.
        """
        now = self._now()
        read = [(raw, self._read(record, raw)) for raw in signed]
        events = [self._judge(raw, command, record, now) for raw, command in read]
        return self._finish(events, [raw for raw, _ in read])

    def quarantine(self) -> list[Quarantined]:
        """What is held back, oldest first."""
        return list(self.state.held.values())

    def release(self, digest: bytes, assertions: Sequence[Assertion]) -> Verdict:
        """Two others waive what held a command back; power, waves and persons are judged all the same.

        They sign `release_statement(digest)`. Raises `SecurityError`.
        """
        held, now = self._held(digest), self._now()
        by = self._judges(held, release_statement(digest), assertions)
        record = decode_all(codec_of(ApprovalRecord), held.record)
        signed = self._read(record, held.signed)
        effect = effect_of(digest, signed, record, self.state.network, now)
        decision = decide(self.state, effect, now, released=True)
        event: Event = (
            Sealed(now, effect, by)
            if isinstance(decision, Allow)
            else Quarantined(now, effect, *decision, held.signed, held.record)
        )
        self.state.apply(event)
        return self._finish([event], [held.signed])[0]

    def delete(self, digest: bytes, assertions: Sequence[Assertion]) -> None:
        """Two others give a held command up: they sign `delete_statement(digest)`. Raises `SecurityError`."""
        held = self._held(digest)
        by = self._judges(held, delete_statement(digest), assertions)
        self._keep(Deleted(self._now(), digest, by))

    # What people decide beforehand

    def prepare_plan(self, plan: EmergencyPlan, assertions: Sequence[Assertion]) -> None:
        """Three planners sign `prepare_statement(plan, state.decisions)`. Raises `SecurityError`."""
        by = self._planners(prepare_statement(plan, self.state.decisions), assertions, PREPARED_BY)
        self._keep(PlanPrepared(self._now(), plan, by))

    def activate_plan(self, name: str, minute: int, assertions: Sequence[Assertion]) -> float:
        """Two planners sign `activate_statement(plan, minute)`, of this minute or the one before; until when it holds.

        Raises `SecurityError`.
        """
        plan, now = self.state.plans.get(name), self._now()
        if plan is None:
            raise SecurityError(f"there is no plan {name!r}: prepare it first")
        if not 0 <= int(now // 60) - minute <= 1:
            raise SecurityError(f"the activation was signed for minute {minute}, and it is {int(now // 60)}: sign anew")
        active = self.state.active.get(name)
        if active is not None and now <= active.until:
            raise SecurityError(f"plan {name!r} is in force already, until {active.until:.0f}")
        by = self._planners(activate_statement(plan, minute), assertions, ACTIVATED_BY)
        until = now + plan.lasts_s
        self._keep(PlanActivated(now, name, until, by))
        return until

    def change_limits(self, limits: Limits, assertions: Sequence[Assertion]) -> float:
        """Three planners sign `limits_statement(limits, state.decisions)`; the time from which they hold.

        Raises `SecurityError`.
        """
        by = self._planners(limits_statement(limits, self.state.decisions), assertions, PREPARED_BY)
        now = self._now()
        self._keep(LimitsSigned(now, now + CHANGE_DELAY_S, limits, by))
        return now + CHANGE_DELAY_S

    def firmware_failed(self, image: bytes, meter: bytes) -> None:
        """A sealed reading shows that `meter` does not run the image that it was told to activate."""
        self._keep(FirmwareFailed(self._now(), image, meter))

    # Inside

    def _now(self) -> float:
        now = agreed_time([read() for read in self._clocks])
        if now < self.state.now:
            raise SecurityError(f"it is {now:.0f}, and the last record is of {self.state.now:.0f}: the clocks ran back")
        return now

    def _read(self, record: ApprovalRecord, raw: bytes) -> SignedCommand:
        signed = read_signed(raw, self._authorities)
        if signed.command.approval != record.digest():
            raise SecurityError(f"the command for {signed.command.recipient.hex()} is not of this approval: refused")
        return signed

    def _judge(self, raw: bytes, signed: SignedCommand, record: ApprovalRecord, now: float) -> Event:
        digest = sha256(raw).digest()
        effect = effect_of(digest, signed, record, self.state.network, now)
        event = self._decide(effect, raw, record, now)
        self.state.apply(event)
        return event

    def _decide(self, effect: Effect, raw: bytes, record: ApprovalRecord, now: float) -> Event:
        if effect.digest in self.state.sealed and now <= effect.not_after:
            return Resealed(now, effect.digest)
        decision = decide(self.state, effect, now)
        if isinstance(decision, Allow):
            return Sealed(now, effect)
        return Quarantined(now, effect, *decision, raw, encode_all(codec_of(ApprovalRecord), record))

    def _finish(self, events: Sequence[Event], signed: Sequence[bytes]) -> list[Verdict]:
        """Keep what was decided, then seal; the transaction is a number that no other seal ever has."""
        last = self._records.add([encode_event(event) for event in events]) if events else 0
        first = last - len(events) + 1
        return [self._verdict(event, raw, first + i) for i, (event, raw) in enumerate(zip(events, signed, strict=True))]

    def _verdict(self, event: Event, raw: bytes, number: int) -> Verdict:
        if isinstance(event, Quarantined):
            return Held(event.effect.digest, event.check, event.reason)
        recipient = read_signed(raw, self._authorities).command.recipient
        transaction = int(event.at) << _NUMBERS | number & (1 << _NUMBERS) - 1
        envelope = seal_command(raw, self._seal, self._recipients(recipient), transaction)
        return Envelope(sha256(raw).digest(), recipient, envelope)

    def _keep(self, event: Event) -> None:
        self._records.add([encode_event(event)])
        self.state.apply(event)

    def _held(self, digest: bytes) -> Quarantined:
        try:
            return self.state.held[digest]
        except KeyError:
            raise SecurityError(f"command {digest.hex()[:16]} is not in quarantine") from None

    def _judges(self, held: Quarantined, statement: bytes, assertions: Sequence[Assertion]) -> tuple[str, ...]:
        people = self._people
        persons = held.effect.persons
        return agree(people.party, people.releasers, assertions, statement, needed=RELEASED_BY, but_not=persons)

    def _planners(self, statement: bytes, assertions: Sequence[Assertion], needed: int) -> tuple[str, ...]:
        return agree(self._people.party, self._people.planners, assertions, statement, needed=needed)


def release_statement(digest: bytes) -> bytes:
    """What releases a held command."""
    return b"release " + digest


def delete_statement(digest: bytes) -> bytes:
    """What gives a held command up."""
    return b"delete " + digest


def prepare_statement(plan: EmergencyPlan, decisions: int) -> bytes:
    """What prepares a plan, as the decision after `decisions` others: an old signature prepares nothing."""
    return b"prepare " + decisions.to_bytes(8, "big") + plan.octets()


def activate_statement(plan: EmergencyPlan, minute: int) -> bytes:
    """What activates a plan, in the minute `minute` after 1970: an old signature activates nothing."""
    return b"activate " + minute.to_bytes(8, "big") + plan.octets()


def limits_statement(limits: Limits, decisions: int) -> bytes:
    """What changes the limits, as the decision after `decisions` others."""
    plain = msgspec.to_builtins(limits, str_keys=True)
    return b"limits " + decisions.to_bytes(8, "big") + msgspec.json.encode(plain, order="deterministic")
