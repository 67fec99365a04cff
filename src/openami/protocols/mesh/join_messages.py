"""Joining: what a station without group key and the root say to each other, and how it is sealed with the device key.

The request proves the device key by a CMAC over a fresh nonce. The answer holds the group key under AES-CCM with that
nonce in the associated data: an answer to another request, or to another station, does not open.
"""

from __future__ import annotations

from hmac import compare_digest
from typing import Annotated, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from openami.model.errors import SecurityError
from openami.protocols.mesh.octets import EUI64, REST, octets
from openami.protocols.wire.declared import Codec, codec_of, declared, decode_all, encode_all
from openami.protocols.wire.integers import UNSIGNED8, UNSIGNED32

JOIN_PORT: Final = 0xF0B1
REQUEST, RELAYED, ANSWER, UPDATE = 1, 2, 3, 4
NONCE_SIZE: Final = 8
SALT_SIZE: Final = 12
_PROOF_SIZE: Final = 8
_TAG_SIZE: Final = 8
_NONCE_HEAD: Final = b"\x4a"
UNASKED: Final = bytes(NONCE_SIZE)
"""Stands for the nonce in a key that comes without having been asked for."""


@declared
class JoinRequest:
    """A station asks for the group key. `frame_counter` is the next one that it is going to use."""

    kind: Annotated[int, UNSIGNED8]
    eui64: Annotated[bytes, EUI64]
    nonce: Annotated[bytes, octets(NONCE_SIZE)]
    frame_counter: Annotated[int, UNSIGNED32]
    proof: Annotated[bytes, octets(_PROOF_SIZE)]


@declared
class RelayedRequest:
    """What a neighbour that has joined hands on to the root. `counter_seen`: it accepts only counters from there on."""

    kind: Annotated[int, UNSIGNED8]
    counter_seen: Annotated[int, UNSIGNED32]
    request: JoinRequest


@declared
class SealedKey:
    """The answer to a request, or a new key (`kind` 4) for a station that has joined."""

    kind: Annotated[int, UNSIGNED8]
    eui64: Annotated[bytes, EUI64]
    salt: Annotated[bytes, octets(SALT_SIZE)]
    sealed: Annotated[bytes, REST]


@declared
class GroupKey:
    """Inside `sealed`. The station's next frame counter is at least `counter_floor`."""

    epoch: Annotated[int, UNSIGNED32]
    key: Annotated[bytes, octets(16)]
    counter_floor: Annotated[int, UNSIGNED32]


_REQUEST: Final[Codec[JoinRequest]] = codec_of(JoinRequest)
_RELAYED: Final[Codec[RelayedRequest]] = codec_of(RelayedRequest)
_SEALED: Final[Codec[SealedKey]] = codec_of(SealedKey)
_GROUP: Final[Codec[GroupKey]] = codec_of(GroupKey)


def decode_request(payload: bytes) -> JoinRequest:
    return decode_all(_REQUEST, payload)


def decode_relayed(payload: bytes) -> RelayedRequest:
    return decode_all(_RELAYED, payload)


def encode_relayed(counter_seen: int, request: JoinRequest) -> bytes:
    return encode_all(_RELAYED, RelayedRequest(RELAYED, counter_seen, request))


def decode_sealed(payload: bytes) -> SealedKey:
    return decode_all(_SEALED, payload)


def mac_of(key: bytes, message: bytes) -> bytes:
    """AES-CMAC of a message (RFC 4493), 16 octets."""
    mac = CMAC(AES(key))
    mac.update(message)
    return mac.finalize()


def group_key(root_key: bytes, epoch: int) -> bytes:
    """The group key of an epoch, which only the root can derive."""
    return mac_of(root_key, b"openami mesh group key" + epoch.to_bytes(4, "big"))


def make_request(device_key: bytes, eui64: bytes, nonce: bytes, frame_counter: int) -> bytes:
    content = encode_all(_REQUEST, JoinRequest(REQUEST, eui64, nonce, frame_counter, bytes(_PROOF_SIZE)))
    return content[:-_PROOF_SIZE] + _proof(device_key, content[:-_PROOF_SIZE])


def check_request(device_key: bytes, request: JoinRequest) -> None:
    """Raise `SecurityError` unless the sender of `request` has the device key."""
    content = encode_all(_REQUEST, request)
    if not compare_digest(_proof(device_key, content[:-_PROOF_SIZE]), request.proof):
        raise SecurityError(f"station {request.eui64.hex()} does not prove its device key")


def seal_key(device_key: bytes, kind: int, eui64: bytes, nonce: bytes, salt: bytes, group: GroupKey) -> bytes:
    """A `SealedKey` message; `salt` must be fresh, for it is the nonce of the cipher."""
    cipher = AESCCM(device_key, tag_length=_TAG_SIZE)
    sealed = cipher.encrypt(_NONCE_HEAD + salt, encode_all(_GROUP, group), _associated(kind, eui64, nonce))
    return encode_all(_SEALED, SealedKey(kind, eui64, salt, sealed))


def open_key(device_key: bytes, message: SealedKey, nonce: bytes) -> GroupKey:
    """The group key; raise `SecurityError` unless it was sealed for us and in answer to `nonce`."""
    cipher = AESCCM(device_key, tag_length=_TAG_SIZE)
    associated = _associated(message.kind, message.eui64, nonce)
    try:
        content = cipher.decrypt(_NONCE_HEAD + message.salt, message.sealed, associated)
    except (InvalidTag, ValueError):
        raise SecurityError(
            f"a group key for {message.eui64.hex()} does not open: not for us, or not for now"
        ) from None
    return decode_all(_GROUP, content)


def _proof(device_key: bytes, content: bytes) -> bytes:
    return mac_of(device_key, b"openami mesh join" + content)[:_PROOF_SIZE]


def _associated(kind: int, eui64: bytes, nonce: bytes) -> bytes:
    return bytes((kind,)) + eui64 + nonce
