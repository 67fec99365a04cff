"""What the console needs of those who decide on critical commands. The portal carries; it decides nothing.

It shows lists, takes assertions of passkeys from browsers and hands them on. The authority and the guard verify them
against their own lists of people, over the exact octets that were shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from openami.protocols.seal.approval import CommandList
from openami.protocols.seal.passkey import Assertion
from openami.protocols.seal.verbs import CriticalVerb


@dataclass(frozen=True, slots=True)
class Line:
    """One command of a list: what is done to which meter, and what has become of it (empty: nothing yet)."""

    meter: int | None
    serial: str
    address: str
    verb: str
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """A request on its way: `state` is waiting, expired, approved (not with all meters yet) or sent."""

    commands: CommandList
    lines: tuple[Line, ...]
    requester: str
    approver: str
    at: datetime
    state: str

    @property
    def name(self) -> str:
        """As it stands in addresses."""
        return self.commands.request.hex()

    @property
    def lone(self) -> bool:
        """Whether it asks for what one person alone may have: one household reconnected, outside of a plan."""
        return len(self.lines) == 1 and not self.commands.plan and self.lines[0].verb == CriticalVerb.RECONNECT.text


@dataclass(frozen=True, slots=True)
class HeldCommand:
    """A command that the guard holds back, and who has already agreed to release it or give it up."""

    digest: bytes
    line: Line
    persons: tuple[str, ...]
    reason: str
    releasable: bool
    at: datetime
    release_challenge: bytes
    delete_challenge: bytes
    agreed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Logged:
    """An entry of a log; `proven` if its inclusion proof leads to the root of the log's head."""

    log: str
    index: int
    at: datetime
    who: str
    what: str
    proven: bool


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a log: how many entries, and the one hash that speaks for all of them."""

    log: str
    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Overview:
    """All that the first page shows; `silent` says of each part that does not answer what that means."""

    orders: list[Order]
    held: list[HeldCommand]
    heads: list[Head]
    logged: list[Logged]
    silent: tuple[str, ...]


class CriticalCommands(Protocol):
    """Raises `SecurityError` where somebody may not, which is entered in the log before it is raised; `LinkError` where
    a part does not answer.
    """

    @property
    def plans(self) -> EmergencyPlans:
        """Switching that was prepared in calm."""
        ...

    async def draft(self, meter: int, verb: CriticalVerb) -> CommandList:
        """The list that a person would ask for."""
        ...

    async def lines(self, commands: CommandList) -> tuple[Line, ...]:
        """A list as people read it."""
        ...

    async def ask(self, commands: CommandList, assertion: Assertion, login: str) -> None:
        """Somebody asks for a list, having signed its `request_challenge()`."""
        ...

    async def approve(self, request: bytes, assertion: Assertion, login: str) -> None:
        """Another person approves; what the guard lets through goes to the meters."""
        ...

    async def approve_alone(self, request: bytes, login: str) -> None:
        """The emergency rule: who has asked for the reconnection of one household needs nobody else."""
        ...

    async def send(self, request: bytes, login: str) -> None:
        """Sign, judge and bring an approved order once more: what a meter has taken it does not take again."""
        ...

    async def check(self, request: bytes) -> None:
        """Ask the meters of an order what has become of it."""
        ...

    async def overview(self, limit: int) -> Overview:
        """Orders, latest first; what is held back; heads and last entries of the logs, at most `limit` of each."""
        ...

    async def order(self, request: bytes) -> Order:
        """One order."""
        ...

    async def judge(self, digest: bytes, assertion: Assertion, login: str, *, release: bool) -> str:
        """Somebody agrees to release a held command, or to give it up; what has come of it, for people."""
        ...

    async def passkeys(self) -> list[tuple[str, bytes]]:
        """Persons and the ids of their passkeys, by the authority's list."""
        ...

    async def register(self, login: str, invitation: str, attestation: bytes, client_data: bytes) -> None:
        """A new passkey of `login`, who holds an invitation that counts once."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """An emergency plan: at most `power_w` on `feeders` by these verbs, for `lasts_s` after its activation.

    `octets` are the plan as planners sign it; `until` is set while it is in force, `spent_w` what of it is used.
    """

    name: str
    verbs: tuple[str, ...]
    feeders: tuple[str, ...]
    power_w: int
    lasts_s: int
    octets: bytes
    until: datetime | None = None
    spent_w: int = 0


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a planner signs: to prepare a plan, or to activate it in the minute `minute` after 1970.

    `persons` have signed it already, `needed` have to.
    """

    plan: Plan
    minute: int | None
    challenge: bytes
    persons: tuple[str, ...] = ()
    needed: int = 0


@dataclass(frozen=True, slots=True)
class Planned:
    """`prepared`: what may be activated now, each with what is to be signed for it; `proposed`: what some have signed.

    `decisions` counts plans and limits that were decided on; it is part of what is signed for the next plan.
    """

    decisions: int
    prepared: list[Proposal]
    proposed: list[Proposal]


class EmergencyPlans(Protocol):
    """Raises as `CriticalCommands` does."""

    async def plans(self) -> Planned:
        """All plans as they are now."""
        ...

    async def draft(
        self, name: str, verbs: frozenset[CriticalVerb], feeders: frozenset[str], power_w: int, lasts_s: int
    ) -> Proposal:
        """A new plan; nothing is kept yet. Raises `SettingError`."""
        ...

    async def prepare(self, octets: bytes, assertion: Assertion, login: str) -> str:
        """A planner signs a new plan; what has come of it, for people."""
        ...

    async def activate(self, name: str, minute: int, assertion: Assertion, login: str) -> str:
        """A planner signs the activation; what has come of it, for people."""
        ...

    async def commands(self, name: str, verb: CriticalVerb, serials: list[str]) -> CommandList:
        """The list that a person would ask for under a plan in force."""
        ...
