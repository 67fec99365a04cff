"""Whoever has the key of an authority below the root: certificates that nobody asked for, and that are genuine."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from openami.app.drills.drill import Removal, drill, stands
from openami.app.drills.world import START, key_of, octets_of, title_of
from openami.field.meter import certificate_store
from openami.field.meter.access import MANAGEMENT
from openami.field.meter.certificate_store import generate_certificate_request, generate_key_pair, import_certificate
from openami.field.meter.config import MeterConfig
from openami.field.meter.curve import SteadyCurve
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.push_queue import random_of
from openami.io.keystore.authority import CertificateAuthority
from openami.io.keystore.certificates import Purpose
from openami.model.event import EventCode
from openami.protocols.dlms.certificate import certificate_request
from openami.protocols.dlms.cosem.refusal import ActionRefused
from openami.protocols.dlms.cosem.security_setup import CertificateType
from openami.protocols.dlms.counters import MemoryCounters
from openami.protocols.dlms.security import SecurityKeys, SecuritySuite

SUPPLY_CHAIN: Final = "supply chain"
SUITE: Final = SecuritySuite.SUITE_1
TITLE: Final = title_of(0)
DAY: Final = datetime.fromtimestamp(START, UTC)


def _meter(authority: CertificateAuthority) -> ElectricityMeter:
    """A meter that trusts certificates of `authority`."""
    keys = SecurityKeys(octets_of("encryption", 16), octets_of("association", 16), suite=SUITE)
    trusted = x509.load_pem_x509_certificate(authority.certificate.read_bytes()).public_bytes(Encoding.DER)
    config = MeterConfig(serial="M0", system_title=TITLE, keys=keys, authorities=(trusted,))
    one = random_of(b"issued")
    return ElectricityMeter(
        config, SteadyCurve(1), START, MemoryCounters(), lambda size: b"".join(one(1) for _ in range(size))
    )


def _issued(authority: CertificateAuthority, request: bytes) -> bytes:
    """What the authority's key says to a request (DER), without a question."""
    asked = x509.load_der_x509_csr(request).public_bytes(Encoding.PEM)
    signed = authority.sign(asked, TITLE.hex().upper(), "", DAY, system_title=TITLE)
    return x509.load_pem_x509_certificate(signed).public_bytes(Encoding.DER)


@drill("A099", SUPPLY_CHAIN, Removal(certificate_store, "_with_own_pair", lambda state, _new: state.record))
def a_certificate_is_issued_for_a_meter_that_has_one() -> None:
    """A thief of the authority gives himself the meter's name: the meter knows its own key, and logs what was tried."""
    with TemporaryDirectory() as folder:
        authority = CertificateAuthority(Path(folder), Purpose.DEVICE)
        authority.make(DAY)
        meter = _meter(authority)
        state = meter.security.of(MANAGEMENT)
        generate_key_pair(meter, state, CertificateType.DIGITAL_SIGNATURE)
        genuine = _issued(authority, generate_certificate_request(meter, state, CertificateType.DIGITAL_SIGNATURE))
        import_certificate(meter, state, genuine, START + 60.0)
        held = [one.der for one in state.certificates()]
        stands(genuine in held, "the genuine certificate is refused: the drill proves nothing")
        stolen = _issued(authority, certificate_request(key_of("thief"), SUITE, TITLE))
    with suppress(ActionRefused):
        import_certificate(meter, state, stolen, START + 120.0)
    stands([one.der for one in state.certificates()] == held, "a certificate of another key has the meter's name")
    stands(meter.last_event == EventCode.KEY_EXCHANGE_FAILED, "the meter's log does not tell of it")
