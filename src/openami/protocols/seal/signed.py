"""The authority's layer: general-signing around the SET or ACTION. The guard reads it before it seals, the meter
after it has verified the guard's layer; both by this one function.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from openami.model.errors import SecurityError
from openami.protocols.dlms.apdu import decode_apdu
from openami.protocols.dlms.asymmetric import verify_signature
from openami.protocols.dlms.general import GeneralSigning, signed_octets
from openami.protocols.dlms.security import SecuritySuite
from openami.protocols.seal.command import Command, command_of
from openami.protocols.seal.keys import Authority
from openami.protocols.seal.verbs import CriticalVerb, Request, request_of, verb_of


class Signature(NamedTuple):
    """A general-signing APDU whose signature is that of `authority`. Nothing in it has been looked at yet."""

    authority: Authority
    apdu: GeneralSigning


class SignedCommand(NamedTuple):
    """A command of `authority`, on the closed list; whether its role has the verb is another question."""

    authority: Authority
    counter: int
    command: Command
    verb: CriticalVerb
    request: Request


def verify_signed(raw: bytes, authorities: Mapping[bytes, Authority]) -> Signature:
    """The signature in `raw`, verified; raises `SecurityError` or `DecodeError`."""
    apdu = decode_apdu(raw)
    if not isinstance(apdu, GeneralSigning):
        raise SecurityError(f"{type(apdu).__name__} is no general-signing APDU: refused")
    title = apdu.header.originator_system_title
    authority = authorities.get(title)
    if authority is None:
        raise SecurityError(f"{title.hex() or '(empty)'} is no authority that is trusted here: refused")
    octets = signed_octets(apdu.header, apdu.content)
    verify_signature(authority.public_key, SecuritySuite.SUITE_1, octets, apdu.signature)
    return Signature(authority, apdu)


def read_command(signature: Signature) -> SignedCommand:
    """What was signed; raises `SecurityError` or `DecodeError` for anything but one verb of the closed list."""
    command, counter = command_of(signature.apdu.header, signature.apdu.content)
    request = request_of(command.apdu)
    verb = verb_of(request)
    if (verb is CriticalVerb.FIRMWARE_ACTIVATION) != bool(command.subject):
        raise SecurityError("a firmware activation, and nothing else, names the digest of an image: refused")
    return SignedCommand(signature.authority, counter, command, verb, request)


def read_signed(raw: bytes, authorities: Mapping[bytes, Authority]) -> SignedCommand:
    """The command in `raw` once the signature holds; raises `SecurityError` or `DecodeError`."""
    return read_command(verify_signed(raw, authorities))
