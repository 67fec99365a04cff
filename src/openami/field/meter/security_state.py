"""The keys, policy and certificates of one role, as they are now; every change is durable before it is answered."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec

from openami.field.meter.security_record import SecurityRecord, decode_record, encode_record, factory_record
from openami.field.meter.security_role import SecurityRole, policy_of
from openami.model.obis import ObisCode
from openami.protocols.dlms.association import Association, AssociationSettings
from openami.protocols.dlms.asymmetric import AsymmetricKeys, PrivateKey, PublicKey, parameters_of
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.certificate import DeviceCertificate, read_certificate
from openami.protocols.dlms.cosem.security_setup import CertificateType
from openami.protocols.dlms.security import SecurityKeys, SecuritySuite

if TYPE_CHECKING:
    from openami.field.meter.electricity import ElectricityMeter


class SecurityState:
    """`name` is the logical name of the SecuritySetup, `role` what it was at the factory.

    New keys are in force at once; the former ones stay good until a client has used the new ones, so that an answer
    that was lost locks nobody out.
    """

    __slots__ = ("_associations", "_meter", "_place", "name", "record", "role")

    def __init__(self, meter: ElectricityMeter, name: ObisCode, role: SecurityRole) -> None:
        self._meter = meter
        self.name = name
        self.role = role
        self._place = f"security/{meter.config.system_title.hex()}/{name}"
        kept = meter.records.load(self._place)
        self.record = factory_record(role) if kept is None else decode_record(kept)
        self._associations: dict[Authentication, AssociationSettings] = {}

    @property
    def suite(self) -> SecuritySuite:
        """The security suite; it never changes."""
        return self.role.keys.suite

    @property
    def used(self) -> SecurityKeys:
        """The keys that a client is known to have."""
        return self.record.former or self.record.keys

    def change(self, record: SecurityRecord) -> None:
        """From now on it is `record`, durably."""
        before, self.record = self.record, record
        try:
            self._meter.records.save(self._place, encode_record(record))
        except BaseException:
            self.record = before
            raise
        self._associations.clear()

    def proven(self, association: Association) -> None:
        """A client has talked in `association`: if it was under the new keys, the former ones are good no more."""
        former = self.record.former
        if former is not None and association.settings.keys == self.record.keys:
            self.change(replace(self.record, former=None))
            key = former.global_unicast_encryption_key
            if key != self.record.keys.global_unicast_encryption_key:
                self._meter.server_state.retire(key)

    def association(self, authentication: Authentication) -> AssociationSettings:
        """How the role's clients may associate now."""
        if authentication not in self._associations:
            former, made = self.record.former, self._association(authentication, self.record.keys)
            if former is not None:
                made = replace(made, former=self._association(authentication, former))
            self._associations[authentication] = made
        return self._associations[authentication]

    def _association(self, authentication: Authentication, keys: SecurityKeys) -> AssociationSettings:
        return AssociationSettings(
            authentication=authentication,
            keys=keys,
            client_system_title=self.role.client_system_title,
            asymmetric=self.asymmetric(),
            policy=policy_of(self.suite, self.record.policy),
        )

    # Asymmetric keys and certificates

    def asymmetric(self) -> AsymmetricKeys | None:
        """Our private keys and the client's public ones: of its certificates, or as pinned at the factory."""
        if self.suite is SecuritySuite.SUITE_0:
            return None
        pinned = self.role.asymmetric or AsymmetricKeys(self.suite)
        return AsymmetricKeys(
            self.suite,
            self.private_key(CertificateType.DIGITAL_SIGNATURE),
            self._client_key(CertificateType.DIGITAL_SIGNATURE) or pinned.peer_signing,
            self.private_key(CertificateType.KEY_AGREEMENT),
            self._client_key(CertificateType.KEY_AGREEMENT) or pinned.peer_agreement,
        )

    def private_key(self, kind: CertificateType) -> PrivateKey | None:
        """Our private key of this kind."""
        return _private(self.record.private_keys.get(kind), self.suite)

    def pending_key(self, kind: CertificateType) -> PrivateKey | None:
        """Our private key of this kind that waits for its certificate."""
        return _private(self.record.pending.get(kind), self.suite)

    def certificates(self) -> tuple[DeviceCertificate, ...]:
        """All certificates that are held."""
        return tuple(read_certificate(der) for der in self.record.certificates)

    def _client_key(self, kind: CertificateType) -> PublicKey | None:
        own, pinned = self._meter.config.system_title, self.role.client_system_title
        for one in self.certificates():
            theirs = one.type is kind and not one.authority and one.system_title not in (own, b"")
            if theirs and pinned in (None, one.system_title):
                return one.public_key
        return None


def _private(scalar: bytes | None, suite: SecuritySuite) -> PrivateKey | None:
    if scalar is None:
        return None
    return ec.derive_private_key(int.from_bytes(scalar, "big"), parameters_of(suite).curve)
