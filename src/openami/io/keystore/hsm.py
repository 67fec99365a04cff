"""Keys in a PKCS#11 token, which signs, agrees and wraps and never gives a private key away.

A token is named by a URI as in RFC 7512: `pkcs11:token=NAME?module-path=FILE&pin-source=FILE`. Keys have labels.
Signing is ECDSA over P-256, agreement ECDH without a derivation function, wrapping AES-256-GCM under a key that stays
in the token. Needs the extra `hsm`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

from openami.io.keystore.file_keystore import KeystoreLocked
from openami.model.errors import SettingError, StoreError
from openami.protocols.dlms.asymmetric import PublicKey, decode_point, encode_point
from openami.protocols.dlms.security import SecuritySuite

SCHEME = "pkcs11:"
_CURVE = "secp256r1"
_POINT_HEAD = b"\x04\x41"
_NONCE_BYTES = 12
_TAG_BITS = 128


@dataclass(frozen=True, slots=True)
class TokenAddress:
    """Which token of which module, and the file whose first line is its PIN."""

    token: str
    module: Path
    pin_file: Path


def parse_token(uri: str, folder: Path) -> TokenAddress:
    """Read a PKCS#11 URI; paths are relative to `folder`. Raises `SettingError`."""
    path, _, query = uri.removeprefix(SCHEME).partition("?")
    named = dict(part.partition("=")[::2] for part in path.split(";") if part)
    asked = dict(parse_qsl(query))
    missing = [
        name for name, where in (("token", named), ("module-path", asked), ("pin-source", asked)) if not where.get(name)
    ]
    unknown = sorted((named.keys() - {"token"}) | (asked.keys() - {"module-path", "pin-source"}))
    if not uri.startswith(SCHEME) or missing or unknown:
        raise SettingError(
            f"{uri!r} names no token: write pkcs11:token=NAME?module-path=FILE&pin-source=FILE"
            + (f"; missing: {', '.join(missing)}" if missing else "")
            + (f"; unknown: {', '.join(unknown)}" if unknown else "")
        )
    pin = asked["pin-source"].removeprefix("file:")
    return TokenAddress(unquote(named["token"]), folder / asked["module-path"], folder / pin)


class Hsm:
    """A session with one token. `random` gives the nonces of wrapping; one process may hold several tokens."""

    def __init__(self, address: TokenAddress, *, random: Callable[[int], bytes]) -> None:
        self._address = address
        self._random = random
        pin = _pin(address.pin_file)
        with _translated(address):
            import pkcs11

            token = pkcs11.lib(str(address.module)).get_token(token_label=address.token)
            try:
                self._session = token.open(rw=True, user_pin=pin)
            except pkcs11.exceptions.UserAlreadyLoggedIn:  # a process logs in to a token once
                self._session = token.open(rw=True)

    def __repr__(self) -> str:
        return f"Hsm({self._address.token!r})"

    def close(self) -> None:
        """End the session."""
        self._session.close()

    def make_key(self, label: str) -> PublicKey:
        """Make a P-256 key pair that never leaves the token; the public half. Raises `SettingError` if there is one."""
        from pkcs11 import Attribute, KeyType, NoSuchKey
        from pkcs11.util.ec import encode_named_curve_parameters

        with _translated(self._address):
            try:
                self._key("PRIVATE_KEY", label)
            except NoSuchKey:
                curve = {Attribute.EC_PARAMS: encode_named_curve_parameters(_CURVE)}
                parameters = self._session.create_domain_parameters(KeyType.EC, curve, local=True)
                private = {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False}
                parameters.generate_keypair(store=True, label=label, private_template=private)
                return self._public(label)
        raise SettingError(f"token {self._address.token} has a key {label!r} already: nothing was changed")

    def make_wrapping_key(self, label: str) -> None:
        """Make an AES-256 key that never leaves the token. Raises `SettingError` if there is one."""
        from pkcs11 import Attribute, KeyType, MechanismFlag, NoSuchKey

        with _translated(self._address):
            try:
                self._key("SECRET_KEY", label)
            except NoSuchKey:
                can = MechanismFlag.ENCRYPT | MechanismFlag.DECRYPT
                hidden = {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False}
                self._session.generate_key(KeyType.AES, 256, store=True, label=label, capabilities=can, template=hidden)
                return
        raise SettingError(f"token {self._address.token} has a key {label!r} already: nothing was changed")

    def signer(self, label: str) -> HsmSigner:
        """The signing key `label`; raises `StoreError` if it is not there."""
        with _translated(self._address, label):
            return HsmSigner(self._address, self._key("PRIVATE_KEY", label), self._public(label))

    def agreement(self, label: str) -> HsmAgreement:
        """The agreement key `label`; raises `StoreError` if it is not there."""
        with _translated(self._address, label):
            return HsmAgreement(self._address, self._key("PRIVATE_KEY", label), self._public(label))

    def wrapping(self, label: str) -> HsmWrapping:
        """The wrapping key `label`; raises `StoreError` if it is not there."""
        with _translated(self._address, label):
            return HsmWrapping(self._address, self._key("SECRET_KEY", label), self._random)

    def _key(self, kind: str, label: str) -> Any:
        from pkcs11 import ObjectClass

        return self._session.get_key(object_class=ObjectClass[kind], label=label)

    def _public(self, label: str) -> PublicKey:
        from pkcs11 import Attribute

        raw = self._key("PUBLIC_KEY", label)[Attribute.EC_POINT]
        return decode_point(bytes(raw).removeprefix(_POINT_HEAD).removeprefix(b"\x04"), SecuritySuite.SUITE_1)


class HsmSigner:
    """See `openami.protocols.seal.keys.Signer`."""

    __slots__ = ("_address", "_key", "public_key")

    def __init__(self, address: TokenAddress, key: Any, public_key: PublicKey) -> None:
        self._address = address
        self._key = key
        self.public_key = public_key

    def sign(self, octets: bytes) -> bytes:
        """The signature, r and s, 64 octets; raises `StoreError` if the token does not."""
        from pkcs11 import Mechanism

        with _translated(self._address):
            return bytes(self._key.sign(sha256(octets).digest(), mechanism=Mechanism.ECDSA))


class HsmAgreement:
    """See `openami.protocols.seal.keys.Agreement`. What is agreed leaves the token; the key does not."""

    __slots__ = ("_address", "_key", "public_key")

    def __init__(self, address: TokenAddress, key: Any, public_key: PublicKey) -> None:
        self._address = address
        self._key = key
        self.public_key = public_key

    def shared_secret(self, peer: PublicKey) -> bytes:
        """Z, 32 octets; raises `StoreError` if the token does not."""
        from pkcs11 import KDF, Attribute, KeyType

        point = b"\x04" + encode_point(peer)
        shown = {Attribute.SENSITIVE: False, Attribute.EXTRACTABLE: True}
        with _translated(self._address):
            derived = self._key.derive_key(
                KeyType.GENERIC_SECRET, 256, mechanism_param=(KDF.NULL, None, point), template=shown
            )
            try:
                return bytes(derived[Attribute.VALUE])
            finally:
                derived.destroy()


class HsmWrapping:
    """Wraps keys for storage outside the token: see `openami.io.keystore.wrapped_keystore.Wrapping`."""

    __slots__ = ("_address", "_key", "_random")

    def __init__(self, address: TokenAddress, key: Any, random: Callable[[int], bytes]) -> None:
        self._address = address
        self._key = key
        self._random = random

    def wrap(self, octets: bytes, name: bytes) -> bytes:
        """`octets` ciphered, bound to `name`."""
        nonce = self._random(_NONCE_BYTES)
        with _translated(self._address):
            return nonce + bytes(self._key.encrypt(octets, **_gcm(nonce, name)))

    def unwrap(self, wrapped: bytes, name: bytes) -> bytes:
        """What was wrapped under `name`; raises `KeystoreLocked` if it was another token, name or other octets."""
        from pkcs11 import PKCS11Error

        nonce, rest = wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:]
        try:
            return bytes(self._key.decrypt(rest, **_gcm(nonce, name)))
        except PKCS11Error as error:  # tokens have no one word for a tag that does not match
            token = self._address.token
            raise KeystoreLocked(f"token {token} does not unwrap this: another key, or altered octets") from error


def _gcm(nonce: bytes, name: bytes) -> Mapping[str, Any]:
    from pkcs11 import GCMParams, Mechanism

    return {"mechanism": Mechanism.AES_GCM, "mechanism_param": GCMParams(nonce, name, _TAG_BITS)}


def _pin(file: Path) -> str:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise SettingError(f"PIN file {file}: {error.strerror}") from error
    if not lines or not lines[0]:
        raise SettingError(f"PIN file {file}: its first line must be the PIN")
    return lines[0]


@contextmanager
def _translated(address: TokenAddress, label: str = "") -> Iterator[None]:
    """Errors of the token in our words; the PIN never stands in them."""
    try:
        import pkcs11
        from pkcs11 import exceptions
    except ImportError as error:
        raise SettingError("keys in a token need the extra hsm: pip install 'openami[hsm]'") from error
    try:
        yield
    except (exceptions.PinIncorrect, exceptions.PinLenRange, exceptions.PinLocked) as error:
        raise KeystoreLocked(f"token {address.token} does not open: wrong PIN in {address.pin_file}") from error
    except exceptions.NoSuchKey as error:
        if not label:
            raise
        raise StoreError(f"token {address.token} has no key {label!r}; make it with: openami pki key") from error
    except exceptions.NoSuchToken as error:
        raise SettingError(f"module {address.module} has no token {address.token!r}") from error
    except pkcs11.PKCS11Error as error:
        raise StoreError(f"token {address.token}: {type(error).__name__} {error}") from error
    except RuntimeError as error:
        raise SettingError(f"PKCS#11 module {address.module}: {error}") from error
