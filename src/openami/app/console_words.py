"""Orders, held commands and log entries as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from openami.backoffice.audit.entry import decode_entry
from openami.backoffice.audit.merkle import leaf_hash, verify_inclusion
from openami.backoffice.audit.note import LogKey, read_checkpoint
from openami.backoffice.authority import events as authority_events
from openami.backoffice.guard import events as guard_events
from openami.backoffice.guard.guard import delete_statement, release_statement
from openami.backoffice.guard.people import statement_challenge
from openami.backoffice.registry.registry import Registry
from openami.model.errors import SecurityError
from openami.portal.critical import Head, HeldCommand, Line, Logged, Order
from openami.protocols.seal.approval import CommandList
from openami.protocols.seal.verbs import CriticalVerb, request_of, verb_of
from openami.protocols.wire.declared import codec_of, decode_all
from openami.protocols.zones import inner_message
from openami.protocols.zones.log_message import Tail

NOT_SENT = "not sent: "
Outcomes = Mapping[tuple[bytes, bytes], str]
"""What has become of a command, by request and recipient."""


class Words:
    """Looks up in the registry what a system title stands for; takes a store's time."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def line(self, title: bytes, verb: CriticalVerb) -> Line:
        """What is done to which meter."""
        meter = self._registry.meter_by_system_title(title)
        if meter is None:
            return Line(None, title.hex(), "", verb.text)
        hung = self._registry.installations(meter.id)
        address = self._registry.point(hung[-1].metering_point).service_address if hung else ""
        return Line(meter.id, meter.serial, address, verb.text)

    def lines(self, commands: CommandList, outcomes: Outcomes) -> tuple[Line, ...]:
        """Each command of a list, with what has become of it."""
        return tuple(
            replace(
                self.line(one.recipient, verb_of(request_of(one.apdu))),
                outcome=outcomes.get((commands.request, one.recipient), ""),
            )
            for one in commands.commands
        )

    def orders(self, answer: inner_message.Orders, outcomes: Outcomes) -> list[Order]:
        """Requests at the authority."""
        return [self._order(one, outcomes) for one in answer.orders]

    def _order(self, one: inner_message.OrderIs, outcomes: Outcomes) -> Order:
        commands = decode_all(codec_of(CommandList), one.commands)
        lines = self.lines(commands, outcomes)
        return Order(commands, lines, one.requester, one.approver, utc(one.at), _state(one, lines))

    def held(self, answer: inner_message.Quarantine) -> list[HeldCommand]:
        """What the guard holds back."""
        return [
            HeldCommand(
                one.digest,
                self.line(one.recipient, CriticalVerb(one.verb)),
                one.persons,
                one.reason,
                one.releasable,
                utc(one.at),
                statement_challenge(release_statement(one.digest)),
                statement_challenge(delete_statement(one.digest)),
                tuple(dict.fromkeys((*one.releasing, *one.deleting))),
            )
            for one in answer.held
        ]

    def logged(self, name: str, tail: Tail, key: LogKey) -> tuple[Head, list[Logged]]:
        """The head of a log once its signature holds, and its last entries; raises `SecurityError`."""
        head = read_checkpoint(tail.note, key)
        told = {"authority": of_authority, "guard": self._of_guard}.get(name, of_operations)
        entries = []
        for leaf in tail.leaves:
            try:
                verify_inclusion(leaf_hash(leaf.record), leaf.index, head.size, head.root, leaf.proof)
                proven = True
            except SecurityError:
                proven = False
            at, who, what = told(leaf.record)
            entries.append(Logged(name, leaf.index, utc(at), who, what, proven))
        return Head(head.origin, head.size, head.root), entries

    def _of_guard(self, raw: bytes) -> tuple[float, str, str]:
        event = guard_events.decode_event(raw)
        what = _NAMES.get(type(event), type(event).__name__.lower())
        if isinstance(event, guard_events.Sealed | guard_events.Quarantined):
            line = self.line(event.effect.recipient, event.effect.verb)
            why = f": {event.reason}" if isinstance(event, guard_events.Quarantined) else ""
            return event.at, ", ".join(event.effect.persons), f"{what}: {line.verb} {line.serial}{why}"
        if isinstance(event, guard_events.PlanPrepared):
            what = f"{what} {event.plan.name}"
        if isinstance(event, guard_events.PlanActivated):
            what = f"{what} {event.name}"
        return event.at, ", ".join(getattr(event, "by", ())), what


_NAMES: Mapping[type, str] = {
    guard_events.PlanPrepared: "prepared the plan",
    guard_events.PlanActivated: "activated the plan",
    guard_events.Deleted: "gave up a held command",
    guard_events.LimitsSigned: "changed the limits",
}


def of_authority(raw: bytes) -> tuple[float, str, str]:
    """When, who, what: of an event of the authority."""
    event = authority_events.decode_event(raw)
    name = event.request.hex()[:8]
    if isinstance(event, authority_events.Signed):
        return event.at, "", f"signed {len(event.commands)} of order {name}"
    if isinstance(event, authority_events.Consented) and not event.person:
        return event.at, "", f"let order {name} pass by the emergency rule"
    what = "asked for" if isinstance(event, authority_events.Requested) else "approved"
    return event.at, event.person, f"{what} order {name}"


def of_operations(raw: bytes) -> tuple[float, str, str]:
    """When, who, what: of an entry of the console's own log."""
    entry = decode_entry(raw)
    return entry.at, entry.actor, f"{entry.what} ({entry.subject})" if entry.subject else entry.what


def utc(at: float) -> datetime:
    """UTC seconds as a moment."""
    return datetime.fromtimestamp(at, UTC)


def _state(one: inner_message.OrderIs, lines: tuple[Line, ...]) -> str:
    if one.expired and not one.signed:
        return "expired"
    if not one.approval:
        return "waiting"
    there = one.signed and all(line.outcome and not line.outcome.startswith(NOT_SENT) for line in lines)
    return "sent" if there else "approved"
