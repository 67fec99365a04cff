"""The back office's two seals on the test bench: people with passkeys, an authority, a guard, a small network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import seal_keys as keys
from dlms_curves import key
from meter_bench import seeded
from openami.backoffice.authority.authority import Approved, Authority
from openami.backoffice.authority.people import People, Person
from openami.backoffice.authority.policy import Policy
from openami.backoffice.authority.signing import SigningKey
from openami.backoffice.guard.guard import Guard, Verdict
from openami.backoffice.guard.limits import Limits
from openami.backoffice.guard.network import Network, Place
from openami.backoffice.guard.people import GuardPeople, statement_challenge
from openami.backoffice.guard.plans import EmergencyPlan
from openami.io.disk import Disk
from openami.io.spool.chain import RecordChain
from openami.io.spool.file_spool import FileSpool
from openami.protocols.dlms.security import SecuritySuite
from openami.protocols.seal.approval import Intent
from openami.protocols.seal.closing import Recipient
from openami.protocols.seal.passkey import RelyingParty
from openami.protocols.seal.roles import Role
from openami.protocols.seal.software_authenticator import SoftwareAuthenticator
from openami.protocols.seal.verbs import CriticalVerb

PARTY = RelyingParty("openami.localhost", ("https://openami.localhost",))
NOW = keys.NOW
EVERYTHING = frozenset(Role)
NAMES = ("anna", "bela", "cora", "dina", "emil")
PLANNERS = ("p1", "p2", "p3", "p4", "p5")
RELEASERS = ("r1", "r2", "r3")


def authenticator(name: str, number: int = 0) -> SoftwareAuthenticator:
    """The passkey of somebody; `number` for a second one."""
    seed = 30 + (*NAMES, *PLANNERS, *RELEASERS).index(name) + 50 * number
    return SoftwareAuthenticator(name, key(seed, SecuritySuite.SUITE_1), PARTY)


class Time:
    """Stands still at `at` until somebody moves it."""

    def __init__(self) -> None:
        self.at = float(NOW)

    def __call__(self) -> float:
        return self.at


def title(number: int) -> bytes:
    """The system title of meter `number`."""
    return b"OAM\x10" + number.to_bytes(4, "big")


def network(meters: int = 2000, *, power_w: int = 2000, per_transformer: int = 100, peak_w: int = 10**9) -> Network:
    """Meters in transformers of a hundred, ten transformers on a feeder; number 7 is protected."""
    places = {
        title(n): Place(
            "operator", f"F{n // (10 * per_transformer)}", f"T{n // per_transformer}", power_w, protected=n == 7
        )
        for n in range(meters)
    }
    return Network(places, dict.fromkeys({place.feeder for place in places.values()}, peak_w))


def chain(folder: Path, disk: Disk) -> RecordChain:
    """Records in a spool on `disk`."""
    return RecordChain(FileSpool(folder, disk=disk, random=seeded()))


def people() -> People:
    """Five who may do everything, each with one passkey."""
    passkeys = [authenticator(name).passkey for name in NAMES]
    persons = {name: Person(name, EVERYTHING, EVERYTHING) for name in NAMES}
    return People(PARTY, persons, {one.credential_id: one for one in passkeys})


def guard_people() -> GuardPeople:
    """The guard's own people."""
    planners = [authenticator(name).passkey for name in PLANNERS]
    releasers = [authenticator(name).passkey for name in (*RELEASERS, *NAMES)]
    return GuardPeople(
        PARTY, {one.credential_id: one for one in planners}, {one.credential_id: one for one in releasers}
    )


WINTER = EmergencyPlan(
    name="winter", verbs=frozenset({CriticalVerb.DISCONNECT}), feeders=frozenset({"F0"}), power_w=10_000, lasts_s=3600
)
"""A plan for the one feeder that there is."""


class Office:
    """Authority and guard with their records on `disk`, people, and one time for all three clocks."""

    def __init__(
        self,
        disk: Disk,
        places: Network | None = None,
        limits: Limits | None = None,
        *,
        role: Role = Role.NETWORK_OPERATOR,
        protected: bool = True,
        folder: Path = Path("/records"),
    ) -> None:
        self.time = Time()
        self.disk = disk
        self.role = role
        self.network = places or network()
        self.limits = limits
        self.random = seeded(9)
        self.protected = protected
        self.folder = folder
        self.passkeys = {name: authenticator(name) for name in (*NAMES, *PLANNERS, *RELEASERS)}
        self.start()

    def start(self) -> None:
        """Both processes start anew from what is on the disk."""
        key = SigningKey(self.role, keys.AUTHORITY, keys.SIGNER)
        self.authority_records, self.guard_records = (
            FileSpool(self.folder / name, disk=self.disk, random=self.random) for name in ("authority", "guard")
        )
        self.authority = Authority(
            (key,),
            people(),
            Policy(lambda meter: self.protected and self.network.places[meter].protected),
            RecordChain(self.authority_records),
            self.time,
            self.random,
        )
        trusted = {keys.AUTHORITY: keys.trusting(self.role).authorities[keys.AUTHORITY]}
        self.guard = Guard(
            keys.GUARD_SEAL,
            trusted,
            lambda meter: Recipient(meter, keys.METER_AGREEMENT.public_key, keys.AUTHENTICATION_KEY),
            self.network,
            guard_people(),
            RecordChain(self.guard_records),
            (self.time, self.time, self.time),
            self.limits,
        )

    def close(self) -> None:
        """Both processes end."""
        self.authority_records.close()
        self.guard_records.close()

    def approved(self, *intents: Intent, by: tuple[str, str] = ("anna", "bela"), plan: str = "") -> Approved:
        """A list that the first asks for and the second approves."""
        commands = self.authority.draft(self.role, intents, plan)
        request = self.authority.request(commands, self.passkeys[by[0]].consent(commands.request_challenge()))
        self.authority.approve(request, self.passkeys[by[1]].consent(commands.approval_challenge()))
        return self.authority.sign(request)

    def submit(self, *intents: Intent, by: tuple[str, str] = ("anna", "bela"), plan: str = "") -> list[Verdict]:
        """What the guard says of such a list."""
        approved = self.approved(*intents, by=by, plan=plan)
        return self.guard.submit(approved.record, approved.signed)

    def consents(self, statement: bytes, *names: str) -> list[Any]:
        """What these people sign for the guard."""
        return [self.passkeys[name].consent(statement_challenge(statement)) for name in names]


def intent(number: int = 0, apdu: bytes = keys.DISCONNECT, **changes: Any) -> Intent:
    """A disconnect of meter `number` within a quarter of an hour, unless told otherwise."""
    return Intent(title(number), apdu, **{"time_to_live_s": 900, **changes})
