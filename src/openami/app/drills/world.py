"""The world of the drills: meters of the two-seal class, an authority, a guard and people, all real, in memory."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from openami.backoffice.authority.authority import Approved, Authority
from openami.backoffice.authority.people import People, Person
from openami.backoffice.authority.policy import Policy
from openami.backoffice.authority.signing import SigningKey
from openami.backoffice.guard.guard import Envelope, Guard, Verdict
from openami.backoffice.guard.limits import Limits
from openami.backoffice.guard.network import Network, Place
from openami.backoffice.guard.people import GuardPeople
from openami.field.meter.access import MANAGEMENT, READING
from openami.field.meter.config import MeterConfig
from openami.field.meter.curve import SteadyCurve
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.push_queue import random_of
from openami.field.meter.sealed_meter import SealedMeter
from openami.io.spool.chain import RecordChain
from openami.io.spool.file_spool import FileSpool
from openami.protocols.dlms.access_result import ActionResult, DataAccessResult
from openami.protocols.dlms.association import Association, AssociationSettings
from openami.protocols.dlms.asymmetric import EXTRA, PrivateKey, private_key
from openami.protocols.dlms.cosem.disconnect_control import ControlMode, ControlState
from openami.protocols.dlms.counters import Counters, MemoryCounters
from openami.protocols.dlms.data import decode_data, encode_data, octet_string
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor, CosemMethodDescriptor
from openami.protocols.dlms.security import SecurityKeys, SecuritySuite
from openami.protocols.seal.approval import Intent
from openami.protocols.seal.closing import GuardSeal, Recipient
from openami.protocols.seal.keys import Authority as TrustedAuthority
from openami.protocols.seal.keys import SoftwareAgreement, SoftwareSigner
from openami.protocols.seal.objects import CHALLENGE, SEALED_COMMAND
from openami.protocols.seal.opening import MeterSeal
from openami.protocols.seal.passkey import RelyingParty
from openami.protocols.seal.roles import Role
from openami.protocols.seal.software_authenticator import SoftwareAuthenticator
from openami.simulation.disk import FaultDisk

START: Final = 1_767_225_600
DAY_S: Final = 86_400
DISCONNECT: Final = bytes.fromhex("c301c10046000060030aff01010f00")
RECONNECT: Final = bytes.fromhex("c301c10046000060030aff02010f00")
AUTHORITY: Final = b"OAM\x00\x00\x00\x01\x01"
GUARD: Final = b"OAM\x00\x00\x00\x02\x01"
OPERATORS: Final = ("anna", "bela", "cora", "dina")
PLANNERS: Final = ("p1", "p2", "p3", "p4", "p5")
PARTY: Final = RelyingParty("openami.localhost", ("https://openami.localhost",))
_EVERY_ROLE: Final = frozenset(Role)


def key_of(name: str) -> PrivateKey:
    """A key of P-256 that is made for drills from its name."""
    octets = sha256(name.encode()).digest() + sha256(name.encode() + b"+").digest()
    return private_key(octets[: 32 + EXTRA], SecuritySuite.SUITE_1)


def octets_of(name: str, size: int) -> bytes:
    """Octets that are made for drills from a name."""
    return sha256(name.encode()).digest()[:size]


def title_of(number: int) -> bytes:
    """The system title of meter `number`."""
    return b"OAM\x10" + number.to_bytes(4, "big")


class Meter:
    """A sealed meter and its keys, all of its own."""

    def __init__(self, number: int, counters: Counters | None = None, start: float = START) -> None:
        self.title = title_of(number)
        self.agreement = SoftwareAgreement(key_of(f"meter {number}"))
        self.authentication_key = octets_of(f"authentication {number}", 16)
        keys = SecurityKeys(octets_of(f"encryption {number}", 16), octets_of(f"association {number}", 16))
        config = MeterConfig(
            serial=f"{number:08d}", system_title=self.title, keys=keys, control_mode=ControlMode.MODE_1
        )
        random = random_of(self.title + b"drill")
        trusted = TrustedAuthority(AUTHORITY, Role.NETWORK_OPERATOR, SIGNER.public_key)
        seal = MeterSeal(
            self.title,
            self.agreement,
            self.authentication_key,
            GUARD,
            GUARD_AGREEMENT.public_key,
            {AUTHORITY: trusted},
        )
        self.device = ElectricityMeter(config, SteadyCurve(2000, 0), start, counters or MemoryCounters(), random)
        self.sealed = SealedMeter(self.device, seal, random)

    @property
    def recipient(self) -> Recipient:
        """The meter as the guard knows it."""
        return Recipient(self.title, self.agreement.public_key, self.authentication_key)

    @property
    def connected(self) -> bool:
        """Whether the household has supply."""
        return self.device.disconnector.connected

    @property
    def state(self) -> ControlState:
        """The disconnector's state."""
        return self.device.disconnector.state

    def deliver(self, envelope: bytes, now: float) -> bool:
        """Bring an envelope over the best association that there is; whether it was taken."""
        descriptor = CosemAttributeDescriptor(1, SEALED_COMMAND, 2)
        value = encode_data(octet_string(envelope))
        return self.sealed.set(_association(READING), descriptor, None, value, now) is DataAccessResult.SUCCESS

    def action(self, descriptor: CosemMethodDescriptor, argument: bytes, now: float) -> bool:
        """Invoke a method with the management client's rights and without a seal; whether it was done."""
        return self.sealed.action(_association(MANAGEMENT), descriptor, argument, now)[0] is ActionResult.SUCCESS

    def set(self, descriptor: CosemAttributeDescriptor, value: bytes, now: float) -> bool:
        """Set an attribute with the management client's rights and without a seal; whether it was set."""
        return self.sealed.set(_association(MANAGEMENT), descriptor, None, value, now) is DataAccessResult.SUCCESS

    def challenge(self, now: float) -> bytes:
        """A fresh challenge."""
        raw = self.sealed.get(_association(READING), CosemAttributeDescriptor(1, CHALLENGE, 2), None, now)
        assert isinstance(raw, bytes)
        challenge: bytes = decode_data(raw).value
        return challenge


SIGNER: Final = SoftwareSigner(key_of("authority"))
GUARD_AGREEMENT: Final = SoftwareAgreement(key_of("guard"))
GUARD_SEAL: Final = GuardSeal(GUARD, GUARD_AGREEMENT)
THIEF: Final = SoftwareSigner(key_of("thief"))
THIEF_AGREEMENT: Final = SoftwareAgreement(key_of("thief"))


def _association(client_sap: int) -> Association:
    return Association(client_sap, 1, AssociationSettings())


class Office:
    """Authority and guard over `meters` customers, a hundred on a transformer, and a clock that stands still."""

    def __init__(self, meters: int = 1000, *, limits: Limits | None = None, protected: int | None = None) -> None:
        self.now = float(START)
        self.disk = FaultDisk()
        self.random = random_of(b"office")
        self.limits = limits
        self.people = {name: SoftwareAuthenticator(name, key_of(name), PARTY) for name in (*OPERATORS, *PLANNERS)}
        self.network = Network(
            {
                title_of(n): Place("operator", f"F{n // 1000}", f"T{n // 100}", 2000, protected=n == protected)
                for n in range(meters)
            },
            {f"F{n}": 100_000_000 for n in range(meters // 1000 + 1)},
        )
        self.start()

    def start(self) -> None:
        """Both processes start from what is on the disk."""
        self.records = [
            FileSpool(Path("/records") / name, disk=self.disk, random=self.random) for name in ("authority", "guard")
        ]
        operators = {name: Person(name, _EVERY_ROLE, _EVERY_ROLE) for name in OPERATORS}
        passkeys = {one.passkey.credential_id: one.passkey for one in self.people.values()}
        key = SigningKey(Role.NETWORK_OPERATOR, AUTHORITY, SIGNER)
        people = People(PARTY, operators, passkeys)
        self.authority = Authority(
            (key,), people, Policy(lambda _: False), RecordChain(self.records[0]), self.clock, self.random
        )
        planners = {key: one for key, one in passkeys.items() if one.person in PLANNERS}
        self.guard = Guard(
            GUARD_SEAL,
            {AUTHORITY: TrustedAuthority(AUTHORITY, Role.NETWORK_OPERATOR, SIGNER.public_key)},
            lambda meter: Meter(int.from_bytes(meter[4:], "big")).recipient,
            self.network,
            GuardPeople(PARTY, planners, passkeys),
            RecordChain(self.records[1]),
            (self.clock, self.clock, self.clock),
            self.limits,
        )

    def clock(self) -> float:
        """What time it is."""
        return self.now

    def restore(self, backup: FaultDisk) -> None:
        """Both processes start from an old backup."""
        for one in self.records:
            one.close()
        self.disk = backup
        self.start()

    def ask(self, *intents: Intent, by: str = "anna", plan: str = "") -> bytes:
        """Somebody asks; the name of the request."""
        commands = self.authority.draft(Role.NETWORK_OPERATOR, intents, plan)
        return self.authority.request(commands, self.people[by].consent(commands.request_challenge()))

    def approve(self, request: bytes, by: str = "bela") -> None:
        """Somebody approves."""
        challenge = self.authority.commands(request).approval_challenge()
        self.authority.approve(request, self.people[by].consent(challenge))

    def approved(self, *intents: Intent, by: tuple[str, str] = ("anna", "bela"), plan: str = "") -> Approved:
        """What two people want, signed."""
        request = self.ask(*intents, by=by[0], plan=plan)
        self.approve(request, by[1])
        return self.authority.sign(request)

    def submit(self, *intents: Intent, by: tuple[str, str] = ("anna", "bela"), plan: str = "") -> list[Verdict]:
        """What two people want, signed, and what the guard makes of it."""
        approved = self.approved(*intents, by=by, plan=plan)
        return self.guard.submit(approved.record, approved.signed)

    def envelope(self, one: Intent) -> bytes:
        """The envelope of one command, which goes through."""
        (verdict,) = self.submit(one)
        assert isinstance(verdict, Envelope)
        return verdict.octets


def intent(number: int = 0, apdu: bytes = DISCONNECT, **changes: Any) -> Intent:
    """A disconnect of meter `number`, good for a quarter of an hour, unless told otherwise."""
    return replace(Intent(title_of(number), apdu, 900), **changes)


def sealed(verdicts: list[Verdict]) -> list[Envelope]:
    """What went through."""
    return [one for one in verdicts if isinstance(one, Envelope)]
