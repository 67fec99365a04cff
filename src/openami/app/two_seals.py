"""Authority, guard and their logs in one process, for the demonstration: the console asks them as it would processes.

Only here do both meet. The console hands in assertions and reads lists; keys stay in authority and guard.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Final, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openami.app.console import Console, Logs
from openami.app.deciders import Asked, within
from openami.app.people_answers import PeopleAnswers
from openami.app.people_file import PeopleFile
from openami.app.sealing_keys import GUARD_TITLE, ROLES
from openami.backoffice.audit.answering import tail_of
from openami.backoffice.audit.entry import Audit, Kind
from openami.backoffice.audit.log import MerkleLog
from openami.backoffice.audit.note import LogKey
from openami.backoffice.authority.answering import AuthorityAnswers
from openami.backoffice.authority.authority import Authority
from openami.backoffice.authority.people import People, Person
from openami.backoffice.authority.policy import Policy
from openami.backoffice.authority.signing import SigningKey
from openami.backoffice.guard.answering import GuardAnswers
from openami.backoffice.guard.guard import Guard
from openami.backoffice.guard.limits import Limits
from openami.backoffice.guard.network import Network, Place
from openami.backoffice.guard.people import GuardPeople
from openami.backoffice.operations.operations import Operations
from openami.backoffice.registry.registry import Registry
from openami.io.blocking import inline
from openami.io.disk import Disk
from openami.io.spool.file_spool import FileSpool
from openami.model.errors import SecurityError, SettingError
from openami.protocols.dlms.asymmetric import EXTRA, PrivateKey, PublicKey, private_key
from openami.protocols.dlms.security import SecuritySuite
from openami.protocols.seal.closing import GuardSeal, Recipient
from openami.protocols.seal.keys import Authority as TrustedAuthority
from openami.protocols.seal.keys import SoftwareAgreement, SoftwareSigner
from openami.protocols.seal.opening import MeterSeal
from openami.protocols.seal.passkey import RelyingParty
from openami.protocols.seal.roles import Role
from openami.protocols.zones.inner_message import InnerAnswer, PeopleRequest

_Request = TypeVar("_Request")
LOGS: Final = ("authority", "guard", "operations")
SWITCHED_W: Final = 2_000
PEAK_W: Final = 10_000_000
_OPERATOR: Final = ROLES[0]
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
        trusted = TrustedAuthority(_OPERATOR.title, _OPERATOR.role, self.signer.public_key)
        self.trusted = {trusted.system_title: trusted}
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


class NoKeyChanges:
    """The demonstration's meters have no master key that new keys could be wrapped under."""

    async def order(self, meter_id: int) -> bytes:
        """See `KeyChanges`; raises `SettingError`."""
        raise SettingError(f"meter {meter_id} has no master key: no key can be wrapped for it")

    async def prove(self, meter_id: int) -> str:
        """See `KeyChanges`; raises `SettingError`."""
        raise SettingError(f"meter {meter_id} has no master key, so it has no new keys")


class TwoSeals:
    """A real authority and a real guard in `folder`, and the console that asks them."""

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
        *,
        limits: Limits | None = None,
    ) -> None:
        self.party = party
        disk.make_folder(folder)
        self.people = (PeopleFile(folder / "authority.people", disk), PeopleFile(folder / "guard.people", disk))
        self._spools = [FileSpool(folder / name, disk=disk, random=random) for name in LOGS]
        logs = [MerkleLog(spool, f"{party.id}/{name}") for name, spool in zip(LOGS, self._spools, strict=True)]
        persons = {name: Person(name, _EVERY_ROLE, _EVERY_ROLE) for name in operators}
        self.authority = Authority(
            (SigningKey(_OPERATOR.role, _OPERATOR.title, keys.signer),),
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
            limits,
        )
        self.audit = Audit(logs[2], clock, Lock())
        signing = {name: Ed25519PrivateKey.from_private_bytes(random(32)) for name in LOGS}
        public = {name: LogKey(f"{party.id}/{name}", key.public_key()) for name, key in signing.items()}
        self.console = Console(
            self._asked(0, AuthorityAnswers(self.authority, logs[0], signing["authority"]).answer),
            self._asked(1, GuardAnswers(self.guard, logs[1], signing["guard"]).answer),
            operations,
            NoKeyChanges(),
            registry,
            Logs(self.audit, "operations", public, partial(tail_of, logs[2], signing["operations"])),
            clock,
            random,
            inline,
        )

    def close(self) -> None:
        """Nothing is written any more."""
        for spool in self._spools:
            spool.close()

    def invite(self, person: str, invitation: str) -> None:
        """`person` may register one passkey."""
        for people in self.people:
            people.invite(person, invitation)
        self.audit.enter(Kind.KEY, "", person, "may register a passkey")

    def _asked(self, number: int, answer: Callable[[_Request], InnerAnswer]) -> Asked:
        listed = PeopleAnswers(self.people[number], self.party)
        return within(lambda one: listed.answer(one) if isinstance(one, PeopleRequest) else answer(one), inline)
