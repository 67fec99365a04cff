"""Protecting APDUs with general-ciphering: where the encryption key comes from, and what is checked before its use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum

from openami.model.errors import SecurityError, SettingError
from openami.protocols.dlms.asymmetric import (
    EXTRA,
    AsymmetricKeys,
    decode_point,
    encode_point,
    parameters_of,
    private_key,
)
from openami.protocols.dlms.general import (
    AgreedKey,
    AgreementScheme,
    GeneralCiphering,
    GeneralHeader,
    IdentifiedKey,
    KekId,
    KeyId,
    KeyInfo,
    WrappedKey,
    header_octets,
)
from openami.protocols.dlms.key_agreement import one_pass_key, shared_secret, static_key, unwrap_key, wrap_key
from openami.protocols.dlms.security import SecurityControl, SecurityKeys, protect, unprotect


class KeyChoice(Enum):
    """How general-ciphering names its encryption key."""

    IDENTIFIED = "identified key"
    WRAPPED = "wrapped key"
    ONE_PASS = "agreed key, C(1e, 1s)"
    STATIC = "agreed key, C(0e, 2s)"

    @property
    def fresh(self) -> bool:
        """Whether each APDU has a key of its own, so that invocation counters begin anew with each."""
        return self is not KeyChoice.IDENTIFIED


@dataclass(frozen=True, slots=True)
class GeneralKeys:
    """What general-ciphering may need beside the transaction; `random` gives ephemeral keys and keys to wrap."""

    keys: SecurityKeys
    asymmetric: AsymmetricKeys | None
    random: Callable[[int], bytes] | None = field(default=None, repr=False)


def protect_general(
    given: GeneralKeys, choice: KeyChoice, header: GeneralHeader, counter: int, control: int, plaintext: bytes
) -> GeneralCiphering:
    """`plaintext` ciphered for the recipient that `header` names."""
    info, key = _make_key(given, choice, header)
    keys = replace(given.keys, global_unicast_encryption_key=key)
    title = header.originator_system_title
    content = protect(keys, title, counter, control, plaintext, additional=header_octets(header))
    return GeneralCiphering(header, info, content)


def unprotect_general(given: GeneralKeys, apdu: GeneralCiphering, *, required: int) -> bytes:
    """The plaintext; whoever calls this has checked the titles of the header. Raises `SecurityError`."""
    _check_not_broadcast(apdu.ciphered_content)
    header = apdu.header
    keys = replace(given.keys, global_unicast_encryption_key=_find_key(given, apdu.key_info, header))
    additional = header_octets(header)
    return unprotect(
        keys, header.originator_system_title, apdu.ciphered_content, required=required, additional=additional
    )


def choice_of(apdu: GeneralCiphering) -> KeyChoice:
    """How `apdu` names its key; raises `SecurityError` for an agreement that is not known."""
    match apdu.key_info:
        case WrappedKey():
            return KeyChoice.WRAPPED
        case AgreedKey():
            one_pass = _scheme(apdu.key_info) is AgreementScheme.ONE_PASS_DIFFIE_HELLMAN
            return KeyChoice.ONE_PASS if one_pass else KeyChoice.STATIC
        case _:
            return KeyChoice.IDENTIFIED


def _check_not_broadcast(content: bytes) -> None:
    if content[:1] and content[0] & SecurityControl.BROADCAST:
        raise SecurityError("general-ciphering names its key by key-info, not by the broadcast bit: refused")


# The sender's key


def _make_key(given: GeneralKeys, choice: KeyChoice, header: GeneralHeader) -> tuple[KeyInfo, bytes]:
    keys = given.keys
    if choice is KeyChoice.IDENTIFIED:
        return IdentifiedKey(KeyId.GLOBAL_UNICAST_ENCRYPTION_KEY), keys.global_unicast_encryption_key
    if choice is KeyChoice.WRAPPED:
        key = _random(given, keys.suite.key_size)
        return WrappedKey(KekId.MASTER_KEY, wrap_key(_master_key(keys), key)), key
    return _agree_as_sender(given, choice, header)


def _agree_as_sender(given: GeneralKeys, choice: KeyChoice, header: GeneralHeader) -> tuple[KeyInfo, bytes]:
    pair = _asymmetric(given)
    suite, titles = pair.suite, (header.originator_system_title, header.recipient_system_title)
    if pair.peer_agreement is None:
        raise SettingError("asymmetric.peer_agreement is not set: an agreed key needs the recipient's public key")
    if choice is KeyChoice.STATIC:
        if pair.agreement is None:
            raise SettingError("asymmetric.agreement is not set: a static agreed key needs our private key")
        z = shared_secret(pair.agreement, pair.peer_agreement)
        scheme = bytes((AgreementScheme.STATIC_UNIFIED_MODEL,))
        return AgreedKey(scheme, b""), static_key(suite, z, titles[0], header.transaction_id, titles[1])
    ephemeral = private_key(_random(given, parameters_of(suite).size + EXTRA), suite)
    point = encode_point(ephemeral.public_key())
    scheme = bytes((AgreementScheme.ONE_PASS_DIFFIE_HELLMAN,))
    z = shared_secret(ephemeral, pair.peer_agreement)
    return AgreedKey(scheme, point + pair.sign(point)), one_pass_key(suite, z, *titles)


# The recipient's key


def _find_key(given: GeneralKeys, info: KeyInfo | None, header: GeneralHeader) -> bytes:
    match info:
        case WrappedKey():
            return _unwrapped(given.keys, info)
        case AgreedKey():
            return _agree_as_recipient(given, info, header)
        case IdentifiedKey(KeyId.GLOBAL_BROADCAST_ENCRYPTION_KEY):
            raise SecurityError("general-ciphering names the broadcast key, which is not the one agreed: refused")
        case _:
            return given.keys.global_unicast_encryption_key


def _unwrapped(keys: SecurityKeys, info: WrappedKey) -> bytes:
    key = unwrap_key(_master_key(keys), info.key_ciphered_data)
    if len(key) != keys.suite.key_size:
        raise SecurityError(f"wrapped key has {len(key)} bytes; suite {int(keys.suite)} needs {keys.suite.key_size}")
    return key


def _agree_as_recipient(given: GeneralKeys, info: AgreedKey, header: GeneralHeader) -> bytes:
    pair = _asymmetric(given)
    suite, titles = pair.suite, (header.originator_system_title, header.recipient_system_title)
    if pair.agreement is None:
        raise SecurityError("an agreed key came, and our private agreement key is not set: refused")
    if _scheme(info) is AgreementScheme.STATIC_UNIFIED_MODEL:
        if pair.peer_agreement is None:
            raise SecurityError("a static agreed key came, and the peer's public agreement key is not set: refused")
        if info.key_ciphered_data:
            raise SecurityError("a static agreed key brings an ephemeral key, which it must not: refused")
        z = shared_secret(pair.agreement, pair.peer_agreement)
        return static_key(suite, z, titles[0], header.transaction_id, titles[1])
    z = shared_secret(pair.agreement, decode_point(_ephemeral_point(pair, info), suite))
    return one_pass_key(suite, z, *titles)


def _ephemeral_point(pair: AsymmetricKeys, info: AgreedKey) -> bytes:
    """The sender's ephemeral public key, whose signature was verified."""
    size = 2 * parameters_of(pair.suite).size
    point, signature = info.key_ciphered_data[:size], info.key_ciphered_data[size:]
    pair.verify(point, signature)
    return point


def _scheme(info: AgreedKey) -> AgreementScheme:
    try:
        return AgreementScheme(int.from_bytes(info.key_parameters, "big"))
    except ValueError:
        raise SecurityError(f"key agreement scheme {info.key_parameters.hex()} is not known: refused") from None


def _asymmetric(given: GeneralKeys) -> AsymmetricKeys:
    if given.asymmetric is None or given.asymmetric.suite is not given.keys.suite:
        raise SecurityError(f"an agreed key needs asymmetric keys of suite {int(given.keys.suite)}, which are not set")
    return given.asymmetric


def _master_key(keys: SecurityKeys) -> bytes:
    if keys.master_key is None:
        raise SecurityError("a wrapped key needs the master key, which is not set")
    return keys.master_key


def _random(given: GeneralKeys, size: int) -> bytes:
    if given.random is None:
        raise SettingError("random is not given: wrapped and one-pass agreed keys need it")
    return given.random(size)
