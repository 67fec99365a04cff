"""X.509 certificates of DLMS devices: what one says, whether an authority issued it, and how one is asked for.

The common name of a device's certificate is its system title in hexadecimal; the key usage tells what its key is for
(digital signature or key agreement). Requests are PKCS#10. (Facts from open descriptions and implementations of the
Green Book's certificate profile; the clauses were not at hand.)
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from openami.model.errors import DecodeError, SecurityError
from openami.protocols.dlms.asymmetric import PrivateKey, PublicKey, parameters_of
from openami.protocols.dlms.cosem.security_setup import CertificateType
from openami.protocols.dlms.security import SYSTEM_TITLE_SIZE, SecuritySuite

CERTIFICATE_BYTES_MAX: Final = 4096
_UNREADABLE: Final = (
    ValueError,
    TypeError,
    Warning,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


@dataclass(frozen=True, slots=True)
class DeviceCertificate:
    """What a certificate says of itself; `not_before` and `not_after` are UTC seconds.

    `system_title` is empty if the common name is none; issuer and subject are DER names, `subject_alt_name` is the
    extension's DER value or empty. Nothing is verified yet: see `check_issued`.
    """

    der: bytes = field(repr=False)
    type: CertificateType
    authority: bool
    system_title: bytes
    serial_number: bytes
    issuer: bytes
    subject: bytes
    subject_alt_name: bytes
    public_key: PublicKey = field(repr=False)
    not_before: float
    not_after: float


def read_certificate(der: bytes) -> DeviceCertificate:
    """The certificate in DER; raises `DecodeError` if it is none, or none of an elliptic-curve key."""
    if len(der) > CERTIFICATE_BYTES_MAX:
        raise DecodeError(f"certificate of {len(der)} bytes, at most {CERTIFICATE_BYTES_MAX} are read", 0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what the library takes with a warning breaks the standard: refused
            return _described(der, x509.load_der_x509_certificate(der))
    except _UNREADABLE:
        raise DecodeError("no X.509 certificate that can be read", 0) from None


def check_issued(
    certificate: DeviceCertificate, authorities: Iterable[DeviceCertificate], suite: SecuritySuite, now: float
) -> None:
    """Raise `SecurityError` unless one of `authorities` issued it, for the suite's curve, and it is valid at `now`."""
    title = certificate.system_title.hex() or "an authority"
    curve = parameters_of(suite).curve
    if certificate.public_key.curve.name != curve.name:
        raise SecurityError(f"certificate of {title} has a key of another curve; suite {int(suite)} needs {curve.name}")
    if not certificate.not_before <= now <= certificate.not_after:
        raise SecurityError(f"certificate of {title} is not valid now: ask for a new one, or set the clock")
    if not any(_issued(certificate, one) for one in authorities if one.authority):
        raise SecurityError(f"certificate of {title} was issued by no authority that is trusted here")


def certificate_request(key: PrivateKey, suite: SecuritySuite, system_title: bytes) -> bytes:
    """A PKCS#10 request (DER) for a certificate of `key`, whose device has `system_title`."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, system_title.hex().upper())])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return builder.sign(key, parameters_of(suite).hash, ecdsa_deterministic=True).public_bytes(Encoding.DER)


def _described(der: bytes, certificate: x509.Certificate) -> DeviceCertificate:
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise DecodeError("the certificate's key is none of an elliptic curve", 0)
    number = certificate.serial_number
    return DeviceCertificate(
        der,
        _type(certificate),
        _is_authority(certificate),
        _system_title(certificate.subject),
        number.to_bytes(number.bit_length() // 8 + 1, "big"),
        certificate.issuer.public_bytes(),
        certificate.subject.public_bytes(),
        _alternative_name(certificate),
        key,
        certificate.not_valid_before_utc.timestamp(),
        certificate.not_valid_after_utc.timestamp(),
    )


def _type(certificate: x509.Certificate) -> CertificateType:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return CertificateType.OTHER
    if usage.digital_signature and usage.key_agreement:
        return CertificateType.TLS
    if usage.digital_signature:
        return CertificateType.DIGITAL_SIGNATURE
    return CertificateType.KEY_AGREEMENT if usage.key_agreement else CertificateType.OTHER


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _alternative_name(certificate: x509.Certificate) -> bytes:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.public_bytes()
    except x509.ExtensionNotFound:
        return b""


def _system_title(subject: x509.Name) -> bytes:
    names = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if len(names) != 1:
        return b""
    try:
        title = bytes.fromhex(str(names[0].value))
    except ValueError:
        return b""
    return title if len(title) == SYSTEM_TITLE_SIZE else b""


def _issued(certificate: DeviceCertificate, authority: DeviceCertificate) -> bool:
    issuer = x509.load_der_x509_certificate(authority.der)
    try:
        x509.load_der_x509_certificate(certificate.der).verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True
