"""Security modes of the transport layer and of the extended link layer: AES in CBC, counter and CCM mode, CMAC.

Verified with published telegrams: modes 5, 7 (with MAC) and 10, and AES-CTR of the extended link layer. Where the
facts are from stands in the reference of this protocol.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, CTR, ECB
from cryptography.hazmat.primitives.cmac import CMAC

from openami.model.errors import SecurityError
from openami.protocols.mbus.wireless.address import MeterAddress

BLOCK = 16
FILLER = b"\x2f\x2f"
CCM_TAG = 8

MODE_NAMES = {
    0: "none",
    1: "manufacturer",
    2: "DES-CBC",
    3: "DES-CBC with initial vector",
    4: "AES-CBC without initial vector",
    5: "AES-CBC",
    6: "reserved",
    7: "AES-CBC with derived key",
    8: "AES-CTR with CMAC",
    9: "AES-GCM",
    10: "AES-CCM",
    13: "TLS",
    14: "reserved",
    15: "manufacturer",
}

# What a key is derived for: the first byte of the derivation's input, by who sends: the meter, or another to the meter.
_ENCRYPTION, _AUTHENTICATION = (b"\x00", b"\x10"), (b"\x01", b"\x11")


def _cmac(key: bytes, data: bytes) -> bytes:
    cmac = CMAC(AES(key))
    cmac.update(data)
    return cmac.finalize()


def _derived(key: bytes, purpose: bytes, counter: int, meter: MeterAddress) -> bytes:
    return _cmac(key, purpose + counter.to_bytes(4, "little") + meter.number + b"\x07" * 7)


def encryption_key(key: bytes, counter: int, meter: MeterAddress, *, downlink: bool = False) -> bytes:
    """The ephemeral encryption key of modes 7 and 10 for one message counter; `downlink`: of a message to the meter."""
    return _derived(key, _ENCRYPTION[downlink], counter, meter)


def message_mac(
    key: bytes, counter: int, meter: MeterAddress, covered: bytes, size: int, *, downlink: bool = False
) -> bytes:
    """The AFL's MAC of `size` bytes over `covered`: message control, counter, length if there, message."""
    return _cmac(_derived(key, _AUTHENTICATION[downlink], counter, meter), covered)[:size]


def same(one: bytes, other: bytes) -> bool:
    """Compare what depends on keys, in constant time."""
    return hmac.compare_digest(one, other)


def initial_vector(meter: MeterAddress, access_number: int) -> bytes:
    """Mode 5: the meter's address and eight times the access number."""
    return meter.link_order + bytes((access_number,)) * 8


@lru_cache(maxsize=8192)
def _blocks_of(key: bytes) -> Callable[[bytes], bytes]:
    """The block cipher of a key, kept: making it anew for each telegram takes longer than using it."""
    return Cipher(AES(key), ECB()).decryptor().update  # noqa: S305 (one block of CBC at a time)


def cbc_decrypt(key: bytes, vector: bytes, data: bytes) -> bytes:
    """Whole blocks only."""
    chained = int.from_bytes(vector + data[:-BLOCK], "big")
    return (int.from_bytes(_blocks_of(key)(data), "big") ^ chained).to_bytes(len(data), "big")


def cbc_encrypt(key: bytes, vector: bytes, data: bytes) -> bytes:
    """Whole blocks only."""
    encryptor = Cipher(AES(key), CBC(vector)).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def ctr(key: bytes, counter: bytes, data: bytes) -> bytes:
    """Both ways; `counter` is the first counter block."""
    encryptor = Cipher(AES(key), CTR(counter)).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def _ccm_nonce(meter: MeterAddress, counter: int) -> bytes:
    return meter.link_order + b"\x00" + counter.to_bytes(4, "big")


def ccm_open(
    key: bytes, meter: MeterAddress, counter: int, header: bytes, sealed: bytes, *, downlink: bool = False
) -> bytes:
    """Mode 10: `header` is authenticated, `sealed` ends with the tag; raises `SecurityError` if it does not verify."""
    cipher = AESCCM(encryption_key(key, counter, meter, downlink=downlink), tag_length=CCM_TAG)
    try:
        return cipher.decrypt(_ccm_nonce(meter, counter), sealed, header)
    except (InvalidTag, ValueError) as error:
        raise SecurityError("wrong key: the tag of mode 10 does not verify") from error


def ccm_seal(
    key: bytes, meter: MeterAddress, counter: int, header: bytes, plain: bytes, *, downlink: bool = False
) -> bytes:
    """The other way."""
    cipher = AESCCM(encryption_key(key, counter, meter, downlink=downlink), tag_length=CCM_TAG)
    return cipher.encrypt(_ccm_nonce(meter, counter), plain, header)
