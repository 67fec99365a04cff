"""Authority, guard and their logs in one process, for the console: requests go in, envelopes go out to meters.

Only here do both meet. The console hands in assertions and reads lists; keys stay in authority and guard.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Final, TypeVar

from openami.app.people_file import PeopleFile
from openami.backoffice.audit.entry import Audit, Kind, decode_entry
from openami.backoffice.audit.log import MerkleLog
from openami.backoffice.audit.merkle import leaf_hash, verify_inclusion
from openami.backoffice.authority import events as authority_events
from openami.backoffice.authority.authority import REQUEST_LASTS_S, Authority, Request
from openami.backoffice.authority.people import People, Person
from openami.backoffice.authority.policy import Policy
from openami.backoffice.authority.signing import SigningKey
from openami.backoffice.guard import events as guard_events
from openami.backoffice.guard.guard import Envelope, Guard, Verdict, delete_statement, release_statement
from openami.backoffice.guard.network import Network, Place
from openami.backoffice.guard.people import GuardPeople, statement_challenge
from openami.backoffice.operations.operations import Operations
from openami.backoffice.registry.registry import NotRegistered, Registry
from openami.io.disk import Disk
from openami.io.spool.file_spool import FileSpool
from openami.model.errors import OpenAmiError, SecurityError, SettingError
from openami.model.obis import ObisCode
from openami.portal.critical import Head, HeldCommand, Line, Logged, Order
from openami.protocols.dlms.action import ActionRequestNormal
from openami.protocols.dlms.apdu import encode_apdu
from openami.protocols.dlms.asymmetric import EXTRA, PrivateKey, PublicKey, private_key
from openami.protocols.dlms.data import encode_data, integer
from openami.protocols.dlms.descriptor import CosemMethodDescriptor
from openami.protocols.dlms.security import SecuritySuite
from openami.protocols.seal.approval import CommandList, Intent
from openami.protocols.seal.closing import GuardSeal, Recipient
from openami.protocols.seal.keys import Authority as TrustedAuthority
from openami.protocols.seal.keys import SoftwareAgreement, SoftwareSigner
from openami.protocols.seal.opening import MeterSeal
from openami.protocols.seal.passkey import Assertion, RelyingParty, verify_assertion
from openami.protocols.seal.roles import Role
from openami.protocols.seal.signed import read_signed
from openami.protocols.seal.verbs import CriticalVerb, request_of, verb_of

T = TypeVar("T")
TITLE: Final = b"OAM\x00\x00\x00\x01\x01"
GUARD_TITLE: Final = b"OAM\x00\x00\x00\x02\x01"
LOGS: Final = ("authority", "guard", "operations")
TIME_TO_LIVE_S: Final = 3600
SWITCHED_W: Final = 2_000
PEAK_W: Final = 10_000_000
_CONTACT: Final = ObisCode(0, 0, 96, 3, 10)
_METHODS: Final = {CriticalVerb.DISCONNECT: 1, CriticalVerb.RECONNECT: 2}
_EVERY_ROLE: Final = frozenset(Role)


def make_key(random: Callable[[int], bytes]) -> PrivateKey:
    """A fresh key of P-256."""
    return private_key(random(32 + EXTRA), SecuritySuite.SUITE_1)


class SealKeys:
    """The keys of authority and guard, and of meters whose seals are set up with them."""

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._random = random
        self.signer = SoftwareSigner(make_key(random))
        self.agreement = SoftwareAgreement(make_key(random))
        self.trusted = {TITLE: TrustedAuthority(TITLE, Role.NETWORK_OPERATOR, self.signer.public_key)}
        self.recipients: dict[bytes, Recipient] = {}

    def meter(self, system_title: bytes) -> MeterSeal:
        """What a new meter gets at commissioning; the guard keeps its public key and the key that they share."""
        own, shared = SoftwareAgreement(make_key(self._random)), self._random(16)
        self.recipients[system_title] = Recipient(system_title, own.public_key, shared)
        public: PublicKey = self.agreement.public_key
        return MeterSeal(system_title, own, shared, GUARD_TITLE, public, self.trusted)

    def recipient(self, system_title: bytes) -> Recipient:
        """The meter's keys, for the guard; raises `SecurityError`."""
        try:
            return self.recipients[system_title]
        except KeyError:
            raise SecurityError(f"meter {system_title.hex()} has no seal: nothing is sealed for it") from None


class TwoSeals:
    """The console's `CriticalCommands`, over a real authority and a real guard in `folder`."""

    def __init__(
        self,
        folder: Path,
        keys: SealKeys,
        party: RelyingParty,
        operators: tuple[str, ...],
        places: Mapping[bytes, Place],
        registry: Registry,
        operations: Operations,
        clock: Callable[[], float],
        random: Callable[[int], bytes],
        disk: Disk,
    ) -> None:
        self.party = party
        self._registry, self._operations, self._clock = registry, operations, clock
        disk.make_folder(folder)
        self.people = (PeopleFile(folder / "authority.people", disk), PeopleFile(folder / "guard.people", disk))
        self._spools = [FileSpool(folder / name, disk=disk, random=random) for name in LOGS]
        logs = [MerkleLog(spool, f"{party.id}/{name}") for name, spool in zip(LOGS, self._spools, strict=True)]
        self._authority_log, self._guard_log = logs[0], logs[1]
        persons = {name: Person(name, _EVERY_ROLE, _EVERY_ROLE) for name in operators}
        self.authority = Authority(
            (SigningKey(Role.NETWORK_OPERATOR, TITLE, keys.signer),),
            People(party, persons, self.people[0].passkeys),
            Policy(lambda _: False),
            logs[0],
            clock,
            random,
        )
        feeders = {place.feeder for place in places.values()}
        self.guard = Guard(
            GuardSeal(GUARD_TITLE, keys.agreement),
            keys.trusted,
            keys.recipient,
            Network(places, dict.fromkeys(feeders, PEAK_W)),
            GuardPeople(party, {}, self.people[1].passkeys),
            logs[1],
            (clock, clock, clock),
        )
        self.audit = Audit(logs[2], clock, Lock())
        self._trusted = keys.trusted
        self._outcomes: dict[tuple[bytes, bytes], str] = {}
        self._agreed: dict[tuple[bytes, bool], dict[str, Assertion]] = {}
        self._one = asyncio.Lock()

    def close(self) -> None:
        """Nothing is written any more."""
        for spool in self._spools:
            spool.close()

    # Asking and approving

    def draft(self, meter: int, verb: CriticalVerb) -> CommandList:
        """See `CriticalCommands`; raises `NotRegistered`."""
        method = CosemMethodDescriptor(70, _CONTACT, _METHODS[verb])
        apdu = encode_apdu(ActionRequestNormal(0xC1, method, encode_data(integer(0))))
        title = self._registry.meter(meter).system_title
        return self.authority.draft(Role.NETWORK_OPERATOR, [Intent(title, apdu, TIME_TO_LIVE_S)])

    def lines(self, commands: CommandList) -> tuple[Line, ...]:
        """See `CriticalCommands`."""
        return tuple(
            self._line(one.recipient, one.apdu, self._outcomes.get((commands.request, one.recipient), ""))
            for one in commands.commands
        )

    async def ask(self, commands: CommandList, assertion: Assertion, login: str) -> None:
        """See `CriticalCommands`."""
        async with self._one:
            self._noting(lambda: self.authority.request(commands, assertion), login, commands.request, "ask")

    async def approve(self, request: bytes, assertion: Assertion, login: str) -> None:
        """See `CriticalCommands`. It is signed, judged and sent at once."""
        async with self._one:
            self._noting(lambda: self.authority.approve(request, assertion), login, request, "approve")
            approved = self.authority.sign(request)
            verdicts = self._noting(
                lambda: self.guard.submit(approved.record, approved.signed), login, request, "submit"
            )
        for raw, verdict in zip(approved.signed, verdicts, strict=True):
            await self._send(request, raw, verdict)

    async def check(self, request: bytes) -> None:
        """See `CriticalCommands`."""
        for one in self.authority.commands(request).commands:
            await self._deliver(request, one.recipient, None)

    def orders(self) -> list[Order]:
        """See `CriticalCommands`."""
        return [self._order(one) for one in reversed(self.authority.requests())]

    def order(self, request: bytes) -> Order:
        """See `CriticalCommands`; raises `SecurityError`."""
        self.authority.commands(request)
        return next(one for one in self.orders() if one.commands.request == request)

    # Quarantine

    def held(self) -> list[HeldCommand]:
        """See `CriticalCommands`."""
        return [self._held(one) for one in self.guard.quarantine()]

    async def judge(self, digest: bytes, assertion: Assertion, login: str, *, release: bool) -> str:
        """See `CriticalCommands`. The guard decides once two have agreed."""
        async with self._one:
            statement = (release_statement if release else delete_statement)(digest)
            agreed = self._agreed.setdefault((digest, release), {})

            def verified() -> str:
                keys = self.people[1].passkeys
                return verify_assertion(self.party, keys, assertion, statement_challenge(statement)).person

            agreed[self._noting(verified, login, digest, "judge")] = assertion
            if len(agreed) < 2:
                return "one person has agreed, another has to"
            del self._agreed[digest, release]
            given = list(agreed.values())
            if not release:
                self._noting(lambda: self.guard.delete(digest, given), login, digest, "give up")
                return "given up"
            raw = next((one.signed for one in self.guard.quarantine() if one.effect.digest == digest), b"")
            verdict = self._noting(lambda: self.guard.release(digest, given), login, digest, "release")
        request = next((one.commands.request for one in self.authority.requests() if raw in one.signed), digest)
        await self._send(request, raw, verdict)
        return self._outcomes.get((request, read_signed(raw, self._trusted).command.recipient), "")

    # Passkeys

    def passkeys(self) -> list[tuple[str, bytes]]:
        """See `CriticalCommands`."""
        return [(key.person, key.credential_id) for key in self.people[0].passkeys.values()]

    async def register(self, login: str, invitation: str, attestation: bytes, client_data: bytes) -> None:
        """See `CriticalCommands`: authority and guard each verify it, and each use up their own invitation."""
        async with self._one:
            for people in self.people:
                register = partial(people.register, self.party, login, invitation, attestation, client_data)
                self._noting(register, login, b"", "register a passkey")
            self.audit.enter(Kind.KEY, login, login, "registered a passkey")

    def invite(self, person: str, invitation: str) -> None:
        """`person` may register one passkey."""
        for people in self.people:
            people.invite(person, invitation)
        self.audit.enter(Kind.KEY, "", person, "may register a passkey")

    # The logs

    def log(self, limit: int) -> tuple[list[Head], list[Logged]]:
        """See `CriticalCommands`."""
        logs = (
            (self._authority_log, _of_authority),
            (self._guard_log, self._of_guard),
            (self.audit.log, _of_operations),
        )
        heads = [Head(log.origin, len(log.tree), log.tree.root()) for log, _ in logs]
        entries = [
            self._logged(log, index, words)
            for log, words in logs
            for index in range(max(0, len(log.tree) - limit), len(log.tree))
        ]
        return heads, sorted(entries, key=lambda one: (one.at, one.index), reverse=True)[:limit]

    def _logged(self, log: MerkleLog, index: int, words: Callable[[bytes], tuple[float, str, str]]) -> Logged:
        found = log.inclusion(index)
        try:
            verify_inclusion(leaf_hash(found.record), index, found.size, log.tree.root(found.size), found.proof)
            proven = True
        except SecurityError:
            proven = False
        at, who, what = words(found.record)
        return Logged(log.origin.rpartition("/")[2], index, _utc(at), who, what, proven)

    def _of_guard(self, raw: bytes) -> tuple[float, str, str]:
        event = guard_events.decode_event(raw)
        what = type(event).__name__.lower()
        if isinstance(event, guard_events.Sealed | guard_events.Quarantined):
            line = self._line_of(event.effect.recipient, event.effect.verb)
            why = f": {event.reason}" if isinstance(event, guard_events.Quarantined) else ""
            return event.at, ", ".join(event.effect.persons), f"{what}: {line.verb} {line.serial}{why}"
        return event.at, ", ".join(getattr(event, "by", ())), what

    # Inside

    def _noting(self, step: Callable[[], T], login: str, subject: bytes, what: str) -> T:
        """Do `step`; that it was refused, and why, is in the log before anybody is told."""
        try:
            return step()
        except SettingError as error:
            raise SecurityError(str(error)) from error
        except SecurityError as error:
            self.audit.enter(Kind.COMMAND, login, subject.hex()[:16], f"refused to {what}: {error}")
            raise

    async def _send(self, request: bytes, raw: bytes, verdict: Verdict) -> None:
        if isinstance(verdict, Envelope):
            await self._deliver(request, verdict.recipient, verdict.octets)
        else:
            recipient = read_signed(raw, self._trusted).command.recipient
            self._outcomes[request, recipient] = f"held back by the guard: {verdict.reason}"

    async def _deliver(self, request: bytes, recipient: bytes, envelope: bytes | None) -> None:
        meter = self._registry.meter_by_system_title(recipient)
        try:
            if meter is None:
                raise NotRegistered(f"meter {recipient.hex()} is not in the registry")
            outcome = (await self._operations.deliver(meter.id, envelope)).words
        except OpenAmiError as error:
            outcome = f"not carried out: {error}"
        self._outcomes[request, recipient] = outcome
        self.audit.enter(Kind.COMMAND, "", recipient.hex(), f"the meter says: {outcome}")

    def _order(self, request: Request) -> Order:
        record, asked = request.record, request.requested
        expired = self._clock() > asked.at + REQUEST_LASTS_S
        state = "sent" if request.signed else "expired" if expired else "waiting"
        approver = record.approver if record else ""
        return Order(request.commands, self.lines(request.commands), asked.person, approver, _utc(asked.at), state)

    def _held(self, event: guard_events.Quarantined) -> HeldCommand:
        digest, effect = event.effect.digest, event.effect
        return HeldCommand(
            digest,
            self._line_of(effect.recipient, effect.verb),
            effect.persons,
            event.reason,
            event.releasable,
            _utc(event.at),
            statement_challenge(release_statement(digest)),
            statement_challenge(delete_statement(digest)),
            tuple(name for release in (True, False) for name in self._agreed.get((digest, release), {})),
        )

    def _line(self, title: bytes, apdu: bytes, outcome: str) -> Line:
        return replace(self._line_of(title, verb_of(request_of(apdu))), outcome=outcome)

    def _line_of(self, title: bytes, verb: CriticalVerb) -> Line:
        meter = self._registry.meter_by_system_title(title)
        if meter is None:
            return Line(None, title.hex(), "", verb.text)
        hung = self._registry.installations(meter.id)
        address = self._registry.point(hung[-1].metering_point).service_address if hung else ""
        return Line(meter.id, meter.serial, address, verb.text)


def _of_authority(raw: bytes) -> tuple[float, str, str]:
    event = authority_events.decode_event(raw)
    name = event.request.hex()[:8]
    if isinstance(event, authority_events.Signed):
        return event.at, "", f"signed {len(event.commands)} of order {name}"
    what = "asked for" if isinstance(event, authority_events.Requested) else "approved"
    return event.at, event.person, f"{what} order {name}"


def _of_operations(raw: bytes) -> tuple[float, str, str]:
    entry = decode_entry(raw)
    return entry.at, entry.actor, f"{entry.what} ({entry.subject})"


def _utc(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
