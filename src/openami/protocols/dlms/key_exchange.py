"""The client's side of SecuritySetup: keys transferred or agreed, certificates asked for and brought, policy raised.

Nobody is locked out. The client keeps a new key durably (`Keep`) before the server may use it, and our meters take the
former keys until the new ones were used: after a failure in between, associate with the new keys, then with the former
ones. When a procedure has ended, associate anew: that is what puts the new keys into use.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from openami.model.errors import DecodeError, SecurityError, ServiceError, SettingError
from openami.model.obis import ObisCode
from openami.protocols.dlms.action import ActionRequestNormal
from openami.protocols.dlms.apdu import encode_apdu
from openami.protocols.dlms.asymmetric import (
    EXTRA,
    AsymmetricKeys,
    PrivateKey,
    decode_point,
    encode_point,
    parameters_of,
    private_key,
)
from openami.protocols.dlms.cosem.security_setup import (
    CertificateEntity,
    CertificateIdentification,
    CertificateType,
    KeyAgreementData,
    KeyData,
    KeyId,
    SecuritySetup1,
)
from openami.protocols.dlms.data import Data, DataType, encode_data
from openami.protocols.dlms.descriptor import CosemMethodDescriptor
from openami.protocols.dlms.errors import ActionError
from openami.protocols.dlms.key_agreement import ephemeral_key, shared_secret, signed_point, wrap_key
from openami.protocols.dlms.procedure import Keep, Procedure, call
from openami.protocols.dlms.security import SecurityKeys

SECURITY_SETUP: Final = ObisCode(0, 0, 43, 0, 0)
_NAMES: Final = {
    KeyId.GLOBAL_UNICAST_ENCRYPTION_KEY: "global_unicast_encryption_key",
    KeyId.GLOBAL_BROADCAST_ENCRYPTION_KEY: "global_broadcast_encryption_key",
    KeyId.AUTHENTICATION_KEY: "authentication_key",
    KeyId.MASTER_KEY: "master_key",
}
_BY_ENTITY: Final = 0
ORDER_INVOKE_ID: Final = 0xC1
"""invoke_id_and_priority of a request in an envelope: confirmed, high priority, number 1."""


class KeyExchangeFailed(ServiceError):
    """The server did not do it, or proved not to be the one that was meant; the message says what to look at."""


@dataclass(frozen=True, slots=True)
class AgreementPlan:
    """Which keys are to be agreed with whom; `asymmetric` has our private and the server's public signing key."""

    keys: SecurityKeys
    asymmetric: AsymmetricKeys
    client_system_title: bytes
    server_system_title: bytes
    random: Callable[[int], bytes] = field(repr=False)
    logical_name: ObisCode = SECURITY_SETUP


def key_of(keys: SecurityKeys, key_id: KeyId) -> bytes | None:
    """The key that `key_id` names; `None` if it is not set."""
    value: bytes | None = getattr(keys, _NAMES[key_id])
    return value


def with_key(keys: SecurityKeys, key_id: KeyId, key: bytes) -> SecurityKeys:
    """`keys` with another key in the place of `key_id`; raises `SettingError` if it has not the suite's size."""
    changed: dict[str, Any] = {_NAMES[key_id]: key}
    return replace(keys, **changed)


def transfer_keys(
    keys: SecurityKeys, new: SecurityKeys, logical_name: ObisCode = SECURITY_SETUP
) -> Procedure[SecurityKeys]:
    """Send all keys in which `new` differs from `keys`, wrapped under the master key of `keys`; gives `new`.

    Raises `KeyExchangeFailed`, and `SettingError` where there is nothing to send or nothing to wrap it with.
    """
    data = _wrapped(keys, new)
    yield Keep(new)
    yield from _done(call(SecuritySetup1.key_transfer, logical_name, data), "is the master key that of this meter?")
    return new


def transfer_order(keys: SecurityKeys, new: SecurityKeys, logical_name: ObisCode = SECURITY_SETUP) -> bytes:
    """The same as one APDU, for those who seal it: `new` must be durable before it leaves. Raises `SettingError`."""
    method = SecuritySetup1.key_transfer
    descriptor = CosemMethodDescriptor(method.class_id, logical_name, method.method_id)
    argument = encode_data(method.parameter.to_data(_wrapped(keys, new)))
    return encode_apdu(ActionRequestNormal(ORDER_INVOKE_ID, descriptor, argument))


def _wrapped(keys: SecurityKeys, new: SecurityKeys) -> tuple[KeyData, ...]:
    changed = [key_id for key_id in KeyId if key_of(new, key_id) not in (None, key_of(keys, key_id))]
    if keys.master_key is None:
        raise SettingError("master_key is not set: keys are transferred wrapped under it")
    if not changed or new.suite is not keys.suite:
        raise SettingError("there is no new key to transfer, or it is one of another suite")
    return tuple(KeyData(key_id, wrap_key(keys.master_key, key_of(new, key_id) or b"")) for key_id in changed)


def agree_keys(plan: AgreementPlan, key_ids: Sequence[KeyId]) -> Procedure[SecurityKeys]:
    """Agree on new keys by ephemeral keys of both sides, C(2e, 0s), each signed; gives all keys, the new ones in place.

    Raises `KeyExchangeFailed`; if the server's answer is lost its former keys are still good.
    """
    suite = plan.keys.suite
    ours = {key_id: private_key(plan.random(parameters_of(suite).size + EXTRA), suite) for key_id in key_ids}
    data = tuple(_signed(plan.asymmetric, key_id, private) for key_id, private in ours.items())
    advice = "does the meter hold our signing certificate, and is its suite 1 or 2?"
    answer = yield from _done(call(SecuritySetup1.key_agreement, plan.logical_name, data), advice)
    if answer is None or [one.key_id for one in answer] != list(ours):
        raise KeyExchangeFailed("the server's answer to key_agreement names other keys than were asked for")
    keys = plan.keys
    for one in answer:
        keys = with_key(keys, one.key_id, _agreed(plan, one, ours[one.key_id]))
    yield Keep(keys)
    return keys


def request_certificate(kind: CertificateType, logical_name: ObisCode = SECURITY_SETUP) -> Procedure[bytes]:
    """Let the server make a key pair, and give its request for a certificate (PKCS#10, DER) for an authority.

    The pair is used once `import_certificate` has brought the certificate of it.
    """
    advice = "does its suite have elliptic curves (1 or 2)?"
    yield from _done(call(SecuritySetup1.generate_key_pair, logical_name, kind), advice)
    request = yield from _done(call(SecuritySetup1.generate_certificate_request, logical_name, kind), advice)
    if request is None:
        raise KeyExchangeFailed("generate_certificate_request returned nothing")
    octets: bytes = request
    return octets


def import_certificate(der: bytes, logical_name: ObisCode = SECURITY_SETUP) -> Procedure[None]:
    """Bring a certificate (DER) into the server: its own, a client's or an authority's."""
    advice = "was it issued by an authority that the meter trusts, is it valid now, and of a key that it made?"
    yield from _done(call(SecuritySetup1.import_certificate, logical_name, der), advice)


def export_certificate(
    entity: CertificateEntity, kind: CertificateType, system_title: bytes, logical_name: ObisCode = SECURITY_SETUP
) -> Procedure[bytes]:
    """The server's certificate (DER) of an entity."""
    wanted = identify(entity, kind, system_title)
    der = yield from _done(call(SecuritySetup1.export_certificate, logical_name, wanted), "does it hold that one?")
    octets: bytes = der or b""
    return octets


def remove_certificate(
    entity: CertificateEntity, kind: CertificateType, system_title: bytes, logical_name: ObisCode = SECURITY_SETUP
) -> Procedure[None]:
    """Let the server forget a certificate."""
    wanted = identify(entity, kind, system_title)
    advice = "does it hold that one, and can it do without?"
    yield from _done(call(SecuritySetup1.remove_certificate, logical_name, wanted), advice)


def strengthen_policy(policy: int, logical_name: ObisCode = SECURITY_SETUP) -> Procedure[None]:
    """Activate a stronger security policy, numbered as the server's version of SecuritySetup numbers them."""
    advice = "a policy only becomes stronger, and signatures need the certificates of both sides"
    yield from _done(call(SecuritySetup1.security_activate, logical_name, policy), advice)


def identify(entity: CertificateEntity, kind: CertificateType, system_title: bytes) -> CertificateIdentification:
    """A certificate by entity, type and system title (empty for an authority)."""
    options = (
        Data(DataType.ENUM, int(entity)),
        Data(DataType.ENUM, int(kind)),
        Data(DataType.OCTET_STRING, system_title),
    )
    return CertificateIdentification(_BY_ENTITY, Data(DataType.STRUCTURE, options))


def _done(step: Procedure[Any], advice: str) -> Procedure[Any]:
    try:
        return (yield from step)
    except ActionError as error:
        raise KeyExchangeFailed(f"{error}; {advice}") from error


def _signed(asymmetric: AsymmetricKeys, key_id: KeyId, private: PrivateKey) -> KeyAgreementData:
    point = encode_point(private.public_key())
    return KeyAgreementData(key_id, point + asymmetric.sign(signed_point(key_id, point)))


def _agreed(plan: AgreementPlan, theirs: KeyAgreementData, private: PrivateKey) -> bytes:
    suite, wrapping = plan.keys.suite, theirs.key_id is KeyId.MASTER_KEY
    try:
        z = shared_secret(private, decode_point(signed_by_peer(plan.asymmetric, theirs), suite))
    except (SecurityError, DecodeError) as error:
        raise KeyExchangeFailed(f"the server's ephemeral key is not to be trusted: {error}") from error
    return ephemeral_key(suite, z, plan.client_system_title, plan.server_system_title, wrapping=wrapping)


def signed_by_peer(asymmetric: AsymmetricKeys, theirs: KeyAgreementData) -> bytes:
    """The peer's ephemeral public key (x and y), whose signature was verified; raises `SecurityError`."""
    size = 2 * asymmetric.suite.curve_size
    point, signature = theirs.key_data[:size], theirs.key_data[size:]
    asymmetric.verify(signed_point(theirs.key_id, point), signature)
    return point
