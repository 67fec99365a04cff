"""The authority: request, policy, approval by another person, signature. In this order, and each step is kept.

It verifies every consent itself, over the exact commands, against its own list of keys. What it has signed it keeps
and hands out again when asked: an approval is neither lost nor used twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from openami.backoffice.authority.events import Consented, Event, Requested, Signed, decode_event, encode_event
from openami.backoffice.authority.people import People, Person
from openami.backoffice.authority.policy import Policy
from openami.backoffice.authority.signing import SigningKey, next_counter
from openami.io.spool.chain import RecordChain
from openami.model.errors import SecurityError, SettingError
from openami.protocols.seal.approval import ApprovalRecord, CommandList, Intent
from openami.protocols.seal.passkey import Assertion
from openami.protocols.seal.roles import Role
from openami.protocols.wire.declared import codec_of, decode_all, encode_all

REQUEST_BYTES: Final = 16
REQUEST_LASTS_S: Final = 86_400
DAY_S: Final = 86_400


class Approved(NamedTuple):
    """What goes to the guard: the record, and the commands signed under its hash."""

    record: ApprovalRecord
    signed: tuple[bytes, ...]


class Request:
    """A request on its way: approved once it has a record, signed once it has commands."""

    __slots__ = ("commands", "record", "requested", "signed")

    def __init__(self, requested: Requested) -> None:
        self.requested = requested
        self.commands: CommandList = decode_all(codec_of(CommandList), requested.commands)
        self.record: ApprovalRecord | None = None
        self.signed: tuple[bytes, ...] = ()


class Authority:
    """`keys` are its signing keys, `random` names requests, `clock` is its time (UTC seconds)."""

    def __init__(
        self,
        keys: Sequence[SigningKey],
        people: People,
        policy: Policy,
        records: RecordChain,
        clock: Callable[[], float],
        random: Callable[[int], bytes],
    ) -> None:
        self._keys = {key.role: key for key in keys}
        self._people = people
        self._policy = policy
        self._records = records
        self._clock = clock
        self._random = random
        self._requests: dict[bytes, Request] = {}
        self._counters: dict[int, int] = {}
        self._alone: list[tuple[float, str]] = []
        for raw in records.replay():
            self._apply(decode_event(raw))

    def draft(self, role: Role, intents: Sequence[Intent], plan: str = "") -> CommandList:
        """A list with a name of its own, for a person to sign; nothing is kept yet."""
        return CommandList(self._random(REQUEST_BYTES), int(role), plan, tuple(intents))

    def request(self, commands: CommandList, assertion: Assertion) -> bytes:
        """Somebody asks for `commands`, having signed its `request_challenge()`; the request's name.

        Raises `SecurityError` or `SettingError` if the policy forbids it or the person may not ask.
        """
        role = self._role(commands)
        self._policy.check(commands, role)
        if commands.request in self._requests:
            raise SecurityError(f"request {commands.request.hex()} was made before: draft a new one")
        person = self._people.consent(assertion, commands.request_challenge())
        _check_may(person, role, person.requests, "ask for")
        octets = encode_all(codec_of(CommandList), commands)
        self._keep(Requested(self._clock(), commands.request, octets, person.name, assertion))
        return commands.request

    def approve(self, request: bytes, assertion: Assertion) -> None:
        """Another person approves, having signed the list's `approval_challenge()`. Raises `SecurityError`."""
        waiting = self._waiting(request)
        asked = waiting.requested
        person = self._people.consent(assertion, waiting.commands.approval_challenge())
        _check_may(person, self._role(waiting.commands), person.approves, "approve")
        _check_another(asked, person, assertion)
        self._keep(Consented(self._clock(), request, person.name, assertion))

    def approve_alone(self, request: bytes) -> None:
        """The emergency rule: one household is reconnected by one person, three times in any day at most.

        Raises `SecurityError`.
        """
        waiting, now = self._waiting(request), self._clock()
        person = waiting.requested.person
        done = sum(at > now - DAY_S and name == person for at, name in self._alone)
        if not self._policy.allows_one_person(waiting.commands, done):
            raise SecurityError(f"{person} alone may reconnect one household, and has done so {done} times today")
        self._keep(Consented(now, request, "", None))

    def sign(self, request: bytes, challenges: Mapping[bytes, bytes] | None = None) -> Approved:
        """The signed commands of an approved request. They are signed once; asked again, it gives the same octets.

        `challenges` are live ones of meters (by system title) whose clock is invalid. Raises `SecurityError`.
        """
        found = self.order(request)
        if found.record is None:
            raise SecurityError(f"request {request.hex()} is not approved: nothing is signed")
        if not found.signed:
            self._sign(found, found.record, challenges or {})
        return Approved(found.record, found.signed)

    def commands(self, request: bytes) -> CommandList:
        """The exact list of a request, for whoever is to approve it. Raises `SecurityError`."""
        return self.order(request).commands

    def order(self, request: bytes) -> Request:
        """A request and what has become of it. Raises `SecurityError` if there is none of this name."""
        try:
            return self._requests[request]
        except KeyError:
            raise SecurityError(f"there is no request {request.hex()}") from None

    def expired(self, found: Request) -> bool:
        """Whether it is too old to be approved or signed."""
        return self._clock() > found.requested.at + REQUEST_LASTS_S

    def requests(self) -> list[Request]:
        """Every request that is remembered, oldest first."""
        return list(self._requests.values())

    def waiting(self) -> list[bytes]:
        """The requests that nobody has approved yet and that have not expired."""
        return [name for name, one in self._requests.items() if one.record is None and not self.expired(one)]

    def _sign(self, found: Request, record: ApprovalRecord, challenges: Mapping[bytes, bytes]) -> None:
        self._check_not_expired(found)
        now, role = self._clock(), self._role(found.commands)
        counter = next_counter(self._counters.get(role, 0), now)
        signed = self._keys[role].sign(found.commands, record, int(now), counter, challenges)
        self._keep(Signed(now, found.commands.request, role, counter + len(signed) - 1, signed))

    def _role(self, commands: CommandList) -> Role:
        if commands.role not in self._keys:
            raise SettingError(f"the authority has no key for role {commands.role}")
        return Role(commands.role)

    def _waiting(self, request: bytes) -> Request:
        found = self.order(request)
        if found.record is not None:
            raise SecurityError(f"request {request.hex()} is approved already")
        self._check_not_expired(found)
        return found

    def _check_not_expired(self, found: Request) -> None:
        if self.expired(found):
            raise SecurityError(f"request {found.commands.request.hex()} is older than a day: ask anew")

    def _keep(self, event: Event) -> None:
        """On the disk first: what nobody remembers was never decided."""
        self._records.add([encode_event(event)])
        self._apply(event)

    def _apply(self, event: Event) -> None:
        if isinstance(event, Requested):
            self._requests[event.request] = Request(event)
            self._people.seen(event.assertion)
        elif isinstance(event, Consented):
            self._consented(event)
        else:
            self._requests[event.request].signed = event.commands
            self._counters[event.role] = event.counter

    def _consented(self, event: Consented) -> None:
        found = self._requests[event.request]
        digest = sha256(found.requested.commands).digest()
        person = found.requested.person
        found.record = ApprovalRecord(digest, person, event.person, found.commands.plan, int(event.at))
        if event.assertion is None:
            self._alone.append((event.at, person))
        else:
            self._people.seen(event.assertion)


def _check_may(person: Person, role: Role, roles: frozenset[Role], what: str) -> None:
    if role not in roles:
        raise SecurityError(f"{person.name} may not {what} commands of {role.name.replace('_', ' ').lower()}: refused")


def _check_another(asked: Requested, person: Person, assertion: Assertion) -> None:
    """Another person, and another passkey: two accounts of one human share neither."""
    if person.name == asked.person or assertion.credential_id == asked.assertion.credential_id:
        raise SecurityError(f"{person.name} has asked for this: another person, with another passkey, has to approve")
