"""The side that wants a certificate: it makes the key, asks, and puts key and certificate into one file."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from openami.io.keystore.certificates import NAME, key_pem, names, read_certificate, write_private
from openami.model.errors import SecurityError, SettingError


def make_request(file: Path, name: str) -> bytes:
    """Make a new key beside `file` (`….key.new`, mode 600) and give the request for its certificate (PEM)."""
    if not NAME.fullmatch(name):
        raise SettingError(f"{name!r}: 1 to 64 letters, digits, dots, dashes and underscores are a name")
    key = ec.generate_private_key(ec.SECP256R1())
    file.parent.mkdir(parents=True, exist_ok=True)
    write_private(_new_key(file), key_pem(key))
    request = x509.CertificateSigningRequestBuilder().subject_name(names(name)).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM)


def install_certificate(file: Path, certificate: bytes) -> None:
    """Put the certificate (PEM) and the key that was made for it into `file`, in one step: roll-over needs no pause.

    Raises `SecurityError` if the certificate is for another key, `SettingError` if none was made; then nothing is
    changed.
    """
    try:
        key_pem = _new_key(file).read_bytes()
    except FileNotFoundError as error:
        raise SettingError(f"{_new_key(file)} is not there: make the key first, with the request") from error
    key = serialization.load_pem_private_key(key_pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    if read_certificate(certificate).public_key() != key.public_key():
        raise SecurityError(f"the certificate is not for the key in {_new_key(file)}: make a new request")
    new = file.with_name(file.name + ".new")
    write_private(new, key_pem + certificate)
    new.replace(file)
    _new_key(file).unlink()


def _new_key(file: Path) -> Path:
    return file.with_name(file.name + ".key.new")
