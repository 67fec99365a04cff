"""The console's way to critical commands: it asks authority and guard, gives operations envelopes, decides nothing.

It hands on what people have signed and shows what it is told. Whoever owns it can hold back and lie to those who look
at its pages; to switch something he lacks two people's passkeys, the authority's key and the guard's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final, NamedTuple, Protocol, TypeVar

from openami.app.console_plans import ConsolePlans
from openami.app.console_words import NOT_SENT, Words
from openami.app.deciders import Asked
from openami.app.switching import switching
from openami.backoffice.audit.entry import Audit, Kind
from openami.backoffice.audit.note import LogKey
from openami.backoffice.operations.sealed_delivery import SealedReport
from openami.backoffice.registry.registry import NotRegistered, Registry
from openami.io.blocking import Blocking
from openami.model.errors import LinkError, OpenAmiError, SecurityError, SettingError
from openami.portal.critical import Head, HeldCommand, Line, Logged, Order, Overview
from openami.protocols.seal.approval import CommandList, Intent
from openami.protocols.seal.passkey import Assertion
from openami.protocols.seal.roles import Role
from openami.protocols.seal.verbs import CriticalVerb, request_of, verb_of
from openami.protocols.wire.declared import codec_of, encode_all
from openami.protocols.zones import inner_message as inner
from openami.protocols.zones.log_message import AskTail, Done, Tail

T = TypeVar("T")
TIME_TO_LIVE_S: Final = 3600
AT_ONCE: Final = 32
"""So many meters of an order are dialled at the same time."""
SAYS: Final = "the meter says: "
HELD: Final = "held back by the guard: "


class Carrier(Protocol):
    """Operations, as far as critical commands need it."""

    async def deliver(self, meter_id: int, envelope: bytes | None) -> SealedReport:
        """Bring an envelope to its meter, or only ask what became of the last."""
        ...


class KeyChanges(Protocol):
    """What a change of keys needs beside its command."""

    async def order(self, meter_id: int) -> bytes:
        """The APDU that brings new keys to a meter."""
        ...

    async def prove(self, meter_id: int) -> str:
        """Find out whether a meter uses its new keys; for people."""
        ...


class Logs(NamedTuple):
    """The console's own log, the key that signs its heads, and the keys of all logs by the last part of their name."""

    audit: Audit
    name: str
    keys: Mapping[str, LogKey]
    tail: Callable[[int], Tail]


class Console:
    """See `openami.portal.critical.CriticalCommands`."""

    def __init__(
        self,
        authority: Asked,
        guard: Asked,
        carrier: Carrier,
        keys: KeyChanges,
        registry: Registry,
        logs: Logs,
        clock: Callable[[], float],
        random: Callable[[int], bytes],
        blocking: Blocking,
    ) -> None:
        self._authority, self._guard, self._carrier, self._keys = authority, guard, carrier, keys
        self._registry, self._logs, self._random, self._blocking = registry, logs, random, blocking
        self._words = Words(registry)
        self._outcomes = _remembered(logs.audit)
        self._counters: dict[tuple[bytes, bytes], int] = {}
        self._one = asyncio.Lock()
        self.plans = ConsolePlans(guard, registry, self.noting, clock, random, blocking)

    # Asking and approving

    async def draft(self, meter: int, verb: CriticalVerb) -> CommandList:
        """See `CriticalCommands`; raises `NotRegistered`, and what operations says where it cannot order keys."""
        title = (await self._blocking(self._registry.meter, meter)).system_title
        if verb is CriticalVerb.KEY_CHANGE:
            apdu, role = await self._keys.order(meter), Role.KEY_CUSTODIAN
        else:
            apdu, role = switching(verb), Role.NETWORK_OPERATOR
        return CommandList(self._random(16), int(role), "", (Intent(title, apdu, TIME_TO_LIVE_S),))

    async def lines(self, commands: CommandList) -> tuple[Line, ...]:
        """See `CriticalCommands`."""
        return await self._blocking(self._words.lines, commands, self._outcomes)

    async def ask(self, commands: CommandList, assertion: Assertion, login: str) -> None:
        """See `CriticalCommands`."""
        request = inner.AskFor(encode_all(codec_of(CommandList), commands), assertion)
        await self.noting(self._authority(request, inner.Made), login, commands.request.hex()[:16], "ask")

    async def approve(self, request: bytes, assertion: Assertion, login: str) -> None:
        """See `CriticalCommands`. It is signed, judged and sent at once, as far as all that are needed answer."""
        given = self._authority(inner.Approve(request, assertion), Done)
        await self.noting(given, login, request.hex()[:16], "approve")
        await self.send(request, login)

    async def approve_alone(self, request: bytes, login: str) -> None:
        """See `CriticalCommands`."""
        if (asked := await self.order(request)).requester != login:
            raise SecurityError(f"{asked.requester} has asked for this: nobody else may have it by the emergency rule")
        given = self._authority(inner.ApproveAlone(request), Done)
        await self.noting(given, login, request.hex()[:16], "let pass alone")
        await self.send(request, login)

    async def send(self, request: bytes, login: str) -> None:
        """See `CriticalCommands`."""
        commands, name = (await self.order(request)).commands, request.hex()[:16]
        async with self._one:
            try:
                signed = await self.noting(
                    self._authority(inner.Sign(request), inner.SignedCommands), login, name, "sign"
                )
                given = self._guard(inner.Submit(signed.record, signed.signed), inner.Verdicts)
                verdicts = (await self.noting(given, login, name, "submit")).verdicts
            except LinkError as error:
                for one in commands.commands:
                    await self._became(request, one.recipient, f"{NOT_SENT}{error}")
                return
        steps = [
            self._go_on(request, one.recipient, verdict)
            for one, verdict in zip(commands.commands, verdicts, strict=True)
        ]
        await in_groups(steps)

    async def check(self, request: bytes) -> None:
        """See `CriticalCommands`."""
        commands = (await self.order(request)).commands
        await in_groups([self._look(request, one) for one in commands.commands if self._has_it(request, one.recipient)])

    async def order(self, request: bytes) -> Order:
        """See `CriticalCommands`."""
        answer = await self._authority(inner.AskOrder(request), inner.Orders)
        (order,) = await self._blocking(self._words.orders, answer, self._outcomes)
        return order

    async def orders(self) -> list[Order]:
        """All that the authority remembers, latest first."""
        answer = await self._authority(inner.AskOrders(), inner.Orders)
        return await self._blocking(self._words.orders, answer, self._outcomes)

    async def overview(self, limit: int) -> Overview:
        """See `CriticalCommands`."""
        silent: dict[str, None] = {}
        orders = await _or_nothing(self.orders(), silent)
        held = await _or_nothing(self.held(), silent)
        heads, logged = await self._log(limit, silent)
        return Overview(orders, held, heads, logged, tuple(silent))

    # Quarantine

    async def held(self) -> list[HeldCommand]:
        """What the guard holds back, oldest first."""
        answer = await self._guard(inner.AskQuarantine(), inner.Quarantine)
        return await self._blocking(self._words.held, answer)

    async def judge(self, digest: bytes, assertion: Assertion, login: str, *, release: bool) -> str:
        """See `CriticalCommands`. The guard decides once two have agreed."""
        quarantine = await self._guard(inner.AskQuarantine(), inner.Quarantine)
        held = next((one for one in quarantine.held if one.digest == digest), None)
        request, name = (inner.Release if release else inner.Delete), digest.hex()[:16]
        what = "release" if release else "give up"
        answer = await self.noting(self._guard(request(digest, [assertion]), inner.GUARD_DECISIONS), login, name, what)
        if isinstance(answer, inner.Agreed):
            return f"{', '.join(answer.persons)} agreed; it takes {answer.needed} persons"
        if not isinstance(answer, inner.Verdicts) or held is None:
            return "given up"
        orders = await self._authority(inner.AskOrders(), inner.Orders)
        order = next((one.request for one in orders.orders if one.approval == held.approval), digest)
        (verdict,) = answer.verdicts
        await self._go_on(order, held.recipient, verdict)
        return self._outcomes.get((order, held.recipient), "")

    # Passkeys

    async def passkeys(self) -> list[tuple[str, bytes]]:
        """See `CriticalCommands`."""
        answer = await self._authority(inner.AskPasskeys(), inner.Passkeys)
        return [(one.person, one.credential_id) for one in answer.passkeys]

    async def register(self, login: str, invitation: str, attestation: bytes, client_data: bytes) -> None:
        """See `CriticalCommands`: authority and guard each verify it, and each use up their own invitation."""
        request = inner.Register(login, invitation, attestation, client_data)
        for part in (self._authority, self._guard):
            await part(inner.AskPasskeys(), inner.Passkeys)  # both are there, or neither invitation is used up
        for part in (self._authority, self._guard):
            await self.noting(part(request, Done), login, "", "register a passkey")
        await self._enter(Kind.KEY, login, login, "registered a passkey")

    # Inside

    async def noting(self, step: Awaitable[T], login: str, subject: str, what: str) -> T:
        """Do `step`; that it was refused, and why, is in the log before anybody is told."""
        try:
            return await step
        except SettingError as error:
            raise SecurityError(str(error)) from error
        except SecurityError as error:
            await self._enter(Kind.COMMAND, login, subject, f"refused to {what}: {error}")
            raise

    async def _log(self, limit: int, silent: dict[str, None]) -> tuple[list[Head], list[Logged]]:
        """Of each log whose key is known the head and the last entries."""
        tails = {self._logs.name: await self._blocking(self._logs.tail, limit)}
        for name, part in (("authority", self._authority), ("guard", self._guard)):
            with suppress(LinkError):
                tails[name] = await part(AskTail(limit), Tail)
        heads, entries = [], []
        for name, tail in tails.items():
            if name not in self._logs.keys:
                silent[f"the key of the log {name} is not known here, so its entries are not shown: [audit] logs"] = (
                    None
                )
                continue
            head, told = await self._blocking(self._words.logged, name, tail, self._logs.keys[name])
            heads.append(head)
            entries += told
        return heads, sorted(entries, key=lambda one: (one.at, one.index), reverse=True)[:limit]

    async def _go_on(self, request: bytes, recipient: bytes, verdict: inner.Verdict) -> None:
        if verdict.envelope:
            await self._deliver(request, recipient, verdict.envelope)
        else:
            await self._became(request, recipient, f"{HELD}{verdict.reason}")

    async def _look(self, request: bytes, one: Intent) -> None:
        """What has become of a command; whether new keys are in use only a read under them shows."""
        if verb_of(request_of(one.apdu)) is not CriticalVerb.KEY_CHANGE:
            await self._deliver(request, one.recipient, None)
            return
        try:
            outcome = await self._keys.prove(await self._meter(one.recipient))
        except OpenAmiError as error:
            outcome = f"not proven: {error}"
        await self._became(request, one.recipient, outcome)

    def _has_it(self, request: bytes, recipient: bytes) -> bool:
        """Whether an envelope went to the meter: of what was not sent or held back it knows nothing."""
        return not self._outcomes.get((request, recipient), NOT_SENT).startswith((NOT_SENT, HELD))

    async def _deliver(self, request: bytes, recipient: bytes, envelope: bytes | None) -> None:
        try:
            report = await self._carrier.deliver(await self._meter(recipient), envelope)
            if envelope is not None:
                self._counters[request, recipient] = report.counter
            ours = self._counters.get((request, recipient), report.counter) == report.counter
            outcome = SAYS + (
                report.words if ours else f"another command came after it; the contact is {report.contact}"
            )
        except OpenAmiError as error:
            outcome = f"not carried out: {error}"
        await self._became(request, recipient, outcome)

    async def _meter(self, title: bytes) -> int:
        """The registry's number of a meter; raises `NotRegistered`."""
        meter = await self._blocking(self._registry.meter_by_system_title, title)
        if meter is None:
            raise NotRegistered(f"meter {title.hex()} is not in the registry")
        return meter.id

    async def _became(self, request: bytes, recipient: bytes, what: str) -> None:
        """In the log, from which it is remembered after a restart, then on the page."""
        await self._enter(Kind.COMMAND, "", recipient.hex(), what, request)
        self._outcomes[request, recipient] = what.removeprefix(SAYS)

    async def _enter(self, kind: Kind, actor: str, subject: str, what: str, digest: bytes = b"") -> None:
        await self._blocking(self._logs.audit.enter, kind, actor, subject, what[:500], digest)


async def in_groups(steps: Sequence[Awaitable[None]]) -> None:
    """All of them, some at the same time."""
    for start in range(0, len(steps), AT_ONCE):
        await asyncio.gather(*steps[start : start + AT_ONCE])


def _remembered(audit: Audit) -> dict[tuple[bytes, bytes], str]:
    """What has become of commands, as the log says: entries that no person made."""
    told = (one for one in audit.of_kind(Kind.COMMAND) if not one.actor and one.digest)
    return {(one.digest, bytes.fromhex(one.subject)): one.what.removeprefix(SAYS) for one in told}


async def _or_nothing(step: Awaitable[list[T]], silent: dict[str, None]) -> list[T]:
    try:
        return await step
    except LinkError as error:
        silent[str(error)] = None
        return []
