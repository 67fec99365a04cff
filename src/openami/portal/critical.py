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
    """A request on its way: `state` is waiting, expired or sent."""

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


class CriticalCommands(Protocol):
    """Raises `SecurityError` where somebody may not; that is entered in the log before it is raised."""

    def draft(self, meter: int, verb: CriticalVerb) -> CommandList:
        """The list that a person would ask for."""
        ...

    def lines(self, commands: CommandList) -> tuple[Line, ...]:
        """A list as people read it."""
        ...

    async def ask(self, commands: CommandList, assertion: Assertion, login: str) -> None:
        """Somebody asks for a list, having signed its `request_challenge()`."""
        ...

    async def approve(self, request: bytes, assertion: Assertion, login: str) -> None:
        """Another person approves; what the guard lets through goes to the meters."""
        ...

    async def check(self, request: bytes) -> None:
        """Ask the meters of an order what has become of it."""
        ...

    def orders(self) -> list[Order]:
        """The latest first."""
        ...

    def order(self, request: bytes) -> Order:
        """One of them."""
        ...

    def held(self) -> list[HeldCommand]:
        """What the guard holds back, oldest first."""
        ...

    async def judge(self, digest: bytes, assertion: Assertion, login: str, *, release: bool) -> str:
        """Somebody agrees to release a held command, or to give it up; what has come of it, for people."""
        ...

    def log(self, limit: int) -> tuple[list[Head], list[Logged]]:
        """The heads of the logs and their last entries, the latest first."""
        ...

    def passkeys(self) -> list[tuple[str, bytes]]:
        """Persons and the ids of their passkeys, by the authority's list."""
        ...

    async def register(self, login: str, invitation: str, attestation: bytes, client_data: bytes) -> None:
        """A new passkey of `login`, who holds an invitation that counts once."""
        ...
