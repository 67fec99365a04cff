"""General protection written a second time, from the formulas with `cryptography` alone: none of our code."""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap

HASH = {1: hashes.SHA256, 2: hashes.SHA384}
CURVE = {1: ec.SECP256R1, 2: ec.SECP384R1}
COORDINATE = {1: 32, 2: 48}
KEY = {0: 16, 1: 16, 2: 32}


def string(octets: bytes) -> bytes:
    """An octet string with its length."""
    size = len(octets)
    if size < 128:
        return bytes([size]) + octets
    return (b"\x81" + bytes([size]) if size < 256 else b"\x82" + size.to_bytes(2, "big")) + octets


def header(transaction: bytes, originator: bytes, recipient: bytes, time: bytes = b"", other: bytes = b"") -> bytes:
    return b"".join(map(string, (transaction, originator, recipient, time, other)))


def gcm_seal(key, title, counter, control, authentication_key, meta, plain):
    """control, counter, ciphertext and 12 octets of tag."""
    encryptor = Cipher(algorithms.AES(key), modes.GCM(title + counter.to_bytes(4, "big"))).encryptor()
    encryptor.authenticate_additional_data(bytes([control]) + authentication_key + meta)
    ciphertext = encryptor.update(plain) + encryptor.finalize()
    return bytes([control]) + counter.to_bytes(4, "big") + ciphertext + encryptor.tag[:12]


def gcm_open(key, title, content, authentication_key, meta):
    """The plaintext, or None if the tag is wrong."""
    mode = modes.GCM(title + content[1:5], content[-12:], min_tag_length=12)
    decryptor = Cipher(algorithms.AES(key), mode).decryptor()
    decryptor.authenticate_additional_data(content[:1] + authentication_key + meta)
    plain = decryptor.update(content[5:-12])
    try:
        return plain + decryptor.finalize()
    except InvalidTag:
        return None


def derived(suite, z, u, nonce, v):
    """The key of either scheme; `nonce` is empty with one pass."""
    info = bytes.fromhex("608574050803") + bytes([suite - 1]) + u + (string(nonce) if nonce else b"") + v
    return ConcatKDFHash(HASH[suite](), KEY[suite], info).derive(z)


def point(public):
    encoded = public.public_bytes(*_uncompressed())
    assert encoded[0] == 4
    return encoded[1:]


def public(octets, suite):
    return ec.EllipticCurvePublicKey.from_encoded_point(CURVE[suite](), b"\x04" + octets)


def _uncompressed():
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return Encoding.X962, PublicFormat.UncompressedPoint


def signature(private, suite, octets):
    """R and s of a signature with randomness of its own."""
    r, s = utils.decode_dss_signature(private.sign(octets, ec.ECDSA(HASH[suite]())))
    return r.to_bytes(COORDINATE[suite], "big") + s.to_bytes(COORDINATE[suite], "big")


def check_signature(key, suite, octets, rs):
    """Raises InvalidSignature."""
    half = COORDINATE[suite]
    der = utils.encode_dss_signature(int.from_bytes(rs[:half], "big"), int.from_bytes(rs[half:], "big"))
    key.verify(der, octets, ec.ECDSA(HASH[suite]()))


def exchange(private, public_key):
    return private.exchange(ec.ECDH(), public_key)


wrap, unwrap = aes_key_wrap, aes_key_unwrap


def ephemeral(suite, z, u, v, *, wrapping):
    """The key of C(2e, 0s); a master key has the AlgorithmID of AES key wrap."""
    number = suite - 1 + (2 if wrapping else 0)
    info = bytes.fromhex("608574050803") + bytes([number]) + u + v
    return ConcatKDFHash(HASH[suite](), KEY[suite], info).derive(z)
