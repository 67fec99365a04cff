"""Security mode 13 with another program's TLS inside our frames: tlslite-ng as the meter's end or the gateway's."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from gurux_peer import NEEDED, PYTHON, ROOT
from openami.io.keystore.tls import client_context, issue, make_authority, server_context
from openami.io.links.tls_session import TlsSession
from openami.model.errors import SecurityError
from openami.protocols.mbus.records import decode_records
from tls_air import METER, Air

pytestmark = NEEDED

NOW = datetime.now(UTC)  # certificates are judged by the machine's clock
CLOSE = bytes.fromhex("01fd1f00")


class PeerSession:
    """One end of TLS in the peer's process."""

    def __init__(self, role, file):
        script = ROOT / "tests" / "peers" / "tls_engine.py"
        command = [str(PYTHON), "-W", "ignore", str(script), role, str(file), METER]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.answer, self.waiting = {}, b""
        if role == "client":
            self._turn(b"", b"")

    @property
    def established(self):
        return self.answer.get("established", False)

    def receive(self, records):
        said = self._turn(records, b"")
        if self.answer["problem"]:
            raise SecurityError(self.answer["problem"])
        return said

    def send(self, plain):
        self._turn(b"", plain)

    def data_to_send(self):
        waiting, self.waiting = self.waiting, b""
        return waiting

    def _turn(self, records, say):
        self.process.stdin.write(json.dumps({"records": records.hex(), "say": say.hex()}) + "\n")
        self.process.stdin.flush()
        self.answer = json.loads(self.process.stdout.readline())
        self.waiting += bytes.fromhex(self.answer["records"])
        return bytes.fromhex(self.answer["said"])

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=30)
        self.process.stdout.close()


@pytest.fixture
def peer(tmp_path):
    """Makes ends of TLS in the peer's process, with a certificate and its key in one file."""
    made = []

    def make(role, certificate):
        file = tmp_path / f"{role}.pem"
        file.write_bytes(certificate.certificate.read_bytes() + certificate.key.read_bytes())
        made.append(PeerSession(role, file))
        return made[-1]

    yield make
    for session in made:
        session.close()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    authority = make_authority(folder / "ours", NOW)
    meter = issue(authority, folder / "meter", METER, NOW, server=True)
    gateway = issue(authority, folder / "gateway", "gateway.openami.localhost", NOW, server=False)
    return authority, meter, gateway


def leaf(certificate):
    """The fingerprint of a certificate, as the peer tells it."""
    return x509.load_pem_x509_certificate(certificate.certificate.read_bytes()).fingerprint(SHA256()).hex()


def test_our_gateway_reads_a_meter_whose_tls_is_the_peers(certificates, peer):
    authority, meter, gateway = certificates
    context = client_context(authority.certificate, gateway)
    accepted = []

    def accept():
        accepted.append(peer("server", meter))
        return accepted[-1]

    air = Air(accept, lambda: TlsSession(context, server_side=False, peer=METER), command=CLOSE)
    air.meet()
    assert {"volume", "volume flow"} <= {record.quantity for record in decode_records(air.reading.content)}
    assert air.device.flow.closed
    (session,) = accepted
    assert (session.answer["version"], session.answer["peer"]) == ("3.4", leaf(gateway))


def test_the_peers_gateway_reads_our_meter(certificates, peer):
    _, meter, gateway = certificates
    context = server_context(meter, clients=True)
    begun = []

    def begin():
        begun.append(peer("client", gateway))
        return begun[-1]

    air = Air(lambda: TlsSession(context, server_side=True), begin, command=CLOSE)
    air.meet()
    assert air.reading.content, air.reading.problem or air.meter.problem
    assert air.device.flow.closed
    (session,) = begun
    assert (session.answer["version"], session.answer["peer"]) == ("3.4", leaf(meter))
