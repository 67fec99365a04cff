"""A certificate authority for tests, made with `cryptography` alone: none of our code, and never for anything real."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

HASH = {1: hashes.SHA256, 2: hashes.SHA384}
CURVE = {1: ec.SECP256R1, 2: ec.SECP384R1}
START = datetime(2025, 1, 1, tzinfo=UTC)
SIGNING, AGREEMENT = "signing", "agreement"


class Authority:
    """`number` makes its key; the certificates are for suite 1 or 2."""

    def __init__(self, suite: int = 1, number: int = 77, name: str = "Test Authority", above: Authority | None = None):
        self.suite = suite
        self.key = ec.derive_private_key(number, CURVE[suite]())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self._numbers = 1
        signer = above or self
        built = signer._builder(self.name, self.key.public_key(), START, timedelta(days=3650))
        built = built.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        built = built.add_extension(_usage(key_cert_sign=True), critical=True)
        self.der = signer._signed(built)

    def certify(
        self, public_key, title: bytes, use: str = SIGNING, *, days: int = 3650, start=START, number: int | None = None
    ) -> bytes:
        """The certificate (DER) of a device's key."""
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, title.hex().upper())])
        built = self._builder(subject, public_key, start, timedelta(days=days), number)
        usage = _usage(digital_signature=use == SIGNING, key_agreement=use == AGREEMENT)
        return self._signed(built.add_extension(usage, critical=True))

    def answer(self, request: bytes, use: str = SIGNING) -> bytes:
        """The certificate that a PKCS#10 request asks for, once its signature was checked."""
        asked = x509.load_der_x509_csr(request)
        assert asked.is_signature_valid
        (name,) = asked.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        return self.certify(asked.public_key(), bytes.fromhex(name.value), use)

    def _builder(self, subject, public_key, start, span, number=None):
        self._numbers += 1
        return (
            x509.CertificateBuilder()
            .issuer_name(self.name)
            .subject_name(subject)
            .public_key(public_key)
            .serial_number(number or self._numbers)
            .not_valid_before(start)
            .not_valid_after(start + span)
        )

    def _signed(self, builder) -> bytes:
        signed = builder.sign(self.key, HASH[self.suite](), ecdsa_deterministic=True)
        return signed.public_bytes(Encoding.DER)


def _usage(**given: bool) -> x509.KeyUsage:
    names = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{name: given.get(name, False) for name in names})
