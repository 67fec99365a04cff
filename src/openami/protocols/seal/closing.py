"""Closing the envelope: the authority signs, the guard seals what the authority has signed.

The guard's layer is general-ciphering with a key that guard and meter agree on, C(0e, 2s): static P-256 keys on both
sides, the transaction-id as nonce. The key is used for one APDU, so its invocation counter is always 0; a
transaction-id must never be used twice for one meter.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from openami.model.errors import SettingError
from openami.protocols.dlms.apdu import encode_apdu
from openami.protocols.dlms.asymmetric import PublicKey
from openami.protocols.dlms.general import (
    AgreedKey,
    AgreementScheme,
    GeneralCiphering,
    GeneralHeader,
    GeneralSigning,
    header_octets,
    signed_octets,
)
from openami.protocols.dlms.key_agreement import static_key
from openami.protocols.dlms.security import SecurityControl, SecurityKeys, SecuritySuite, check_system_title, protect
from openami.protocols.seal.command import COUNTER_MAX, COUNTER_SIZE, Command
from openami.protocols.seal.keys import Agreement, Signer
from openami.protocols.seal.verbs import request_of, verb_of

SUITE = SecuritySuite.SUITE_1
CONTROL = SecurityControl.AUTHENTICATED_ENCRYPTION | SUITE
STATIC = AgreedKey(bytes((AgreementScheme.STATIC_UNIFIED_MODEL,)), b"")


def sign_command(command: Command, originator: bytes, counter: int, signer: Signer) -> bytes:
    """The general-signing APDU of `command`; `counter` is above every one that `originator` has used before."""
    verb_of(request_of(command.apdu))
    if not 1 <= counter <= COUNTER_MAX:
        raise SettingError(f"counter is {counter}, must be 1 to 2^64 - 1")
    header = command.header(check_system_title(originator), counter)
    signature = signer.sign(signed_octets(header, command.apdu))
    return encode_apdu(GeneralSigning(header, command.apdu, signature))


@dataclass(frozen=True, slots=True)
class GuardSeal:
    """The guard's own title and its agreement key."""

    system_title: bytes
    agreement: Agreement = field(repr=False)


@dataclass(frozen=True, slots=True)
class Recipient:
    """A meter as the guard knows it: its public agreement key, and the authentication key that they share."""

    system_title: bytes
    agreement: PublicKey = field(repr=False)
    authentication_key: bytes = field(repr=False)


def seal_command(signed: bytes, guard: GuardSeal, recipient: Recipient, transaction: int) -> bytes:
    """The envelope: `signed` ciphered for `recipient` in the guard's `transaction`, which is never used again."""
    transaction_id = transaction.to_bytes(COUNTER_SIZE, "big")
    header = GeneralHeader(transaction_id, guard.system_title, recipient.system_title)
    z = guard.agreement.shared_secret(recipient.agreement)
    keys = envelope_keys(z, header, recipient.authentication_key)
    content = protect(keys, guard.system_title, 0, CONTROL, signed, additional=header_octets(header))
    return encode_apdu(GeneralCiphering(header, STATIC, content))


def envelope_keys(z: bytes, header: GeneralHeader, authentication_key: bytes) -> SecurityKeys:
    """The keys of one envelope."""
    titles = header.originator_system_title, header.transaction_id, header.recipient_system_title
    return SecurityKeys(static_key(SUITE, z, *titles), authentication_key, suite=SUITE)
