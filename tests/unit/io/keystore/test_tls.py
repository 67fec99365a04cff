from __future__ import annotations

import contextlib
import datetime as dt
import ssl
import stat

import pytest
from cryptography import x509

from openami.io.keystore.tls import DEMO_NAME, client_context, issue, make_authority, server_context
from openami.io.links.tcp import connect_tcp, serve_tcp
from openami.model.errors import ConnectFailed, LinkLost, SettingError

HOST = "127.0.0.1"
NOW = dt.datetime.now(dt.UTC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def authority(folder):
    return make_authority(folder, NOW)


@pytest.fixture(scope="module")
def server_certificate(authority, folder):
    return issue(authority, folder, DEMO_NAME, NOW, server=True, also=(HOST, "::1"))


async def echo(link):
    while data := await link.receive():
        await link.send(data)


async def test_an_echo_over_tls(authority, server_certificate):
    server = await serve_tcp(echo, HOST, 0, tls=server_context(server_certificate))
    trust = client_context(authority.certificate)
    for name in (DEMO_NAME, None):
        link = await connect_tcp(HOST, server.port, tls=trust, server_name=name)
        assert link.peer == f"tls:127.0.0.1:{server.port}"
        assert link.peer_certificate["subject"][0][0] == ("commonName", DEMO_NAME)
        await link.send(bytes(200_000))
        received = 0
        while received < 200_000:
            received += len(await link.receive())
        held = link._transport.get_extra_info("socket")
        await link.close()
        assert held.fileno() == -1  # nothing of it outlives the loop
    await server.close()


async def test_another_name_is_refused(authority, server_certificate):
    server = await serve_tcp(echo, HOST, 0, tls=server_context(server_certificate))
    with pytest.raises(ConnectFailed, match=r"certificate.*refused.*[Hh]ostname"):
        await connect_tcp(HOST, server.port, tls=client_context(authority.certificate), server_name="bank.example")
    await server.close()


async def test_a_server_of_another_authority_is_refused(authority, tmp_path):
    other = make_authority(tmp_path, NOW)
    server = await serve_tcp(echo, HOST, 0, tls=server_context(issue(other, tmp_path, DEMO_NAME, NOW, server=True)))
    with pytest.raises(ConnectFailed, match=r"certificate.*refused"):
        await connect_tcp(HOST, server.port, tls=client_context(authority.certificate), server_name=DEMO_NAME)
    await server.close()


async def test_the_authority_is_believed_for_its_own_names_only(authority, folder):
    """Whoever steals its key cannot play somebody else's server: the name constraints say so to every client."""
    forged = issue(authority, folder, "bank.example", NOW, server=True)
    server = await serve_tcp(echo, HOST, 0, tls=server_context(forged))
    with pytest.raises(ConnectFailed, match="permitted subtree"):
        await connect_tcp(HOST, server.port, tls=client_context(authority.certificate), server_name="bank.example")
    await server.close()


async def test_a_zone_shows_its_own_certificate_and_a_stranger_stays_outside(authority, server_certificate, folder):
    served = []

    async def serve(link):
        served.append(link.peer_certificate["subject"][0][0][1])
        await echo(link)

    zone = issue(authority, folder, f"headend.{DEMO_NAME}", NOW, server=False)
    server = await serve_tcp(serve, HOST, 0, tls=server_context(server_certificate, clients=True))
    link = await connect_tcp(HOST, server.port, tls=client_context(authority.certificate, zone), server_name=DEMO_NAME)
    await link.send(b"hello")
    assert await link.receive() == b"hello"
    await link.close()
    trust = client_context(authority.certificate)
    stranger = await connect_tcp(HOST, server.port, tls=trust, server_name=DEMO_NAME)
    with contextlib.suppress(LinkLost):  # TLS 1.3 refuses after the client's own handshake: an alert or the mere end
        assert await stranger.receive() == b""
    await stranger.close()
    assert served == [f"headend.{DEMO_NAME}"]
    await server.close()


async def test_a_client_certificate_is_no_server_certificate(authority, folder):
    zone = issue(authority, folder, f"zone.{DEMO_NAME}", NOW, server=False)
    server = await serve_tcp(echo, HOST, 0, tls=server_context(zone))
    with pytest.raises(ConnectFailed, match=r"certificate.*refused.*purpose"):
        await connect_tcp(HOST, server.port, tls=client_context(authority.certificate), server_name=f"zone.{DEMO_NAME}")
    await server.close()


def test_tls_1_2_is_the_least(authority, server_certificate):
    for context in (server_context(server_certificate), client_context(authority.certificate)):
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_the_authority_is_made_once_and_keys_are_for_the_owner_alone(authority, folder, server_certificate):
    before = authority.certificate.read_bytes()
    assert make_authority(folder, NOW) == authority
    assert authority.certificate.read_bytes() == before
    for key in (authority.key, server_certificate.key):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_what_the_certificates_say(authority, server_certificate):
    root = x509.load_pem_x509_certificate(authority.certificate.read_bytes())
    leaf = x509.load_pem_x509_certificate(server_certificate.certificate.read_bytes())
    assert root.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert root.extensions.get_extension_for_class(x509.NameConstraints).critical
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [DEMO_NAME]
    assert leaf.public_key().curve.name == "secp256r1"
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc < dt.timedelta(days=398)
    leaf.verify_directly_issued_by(root)


def test_missing_and_broken_files_are_named(authority, tmp_path):
    with pytest.raises(SettingError, match=r"nowhere\.pem"):
        client_context(tmp_path / "nowhere.pem")
    (tmp_path / "authority.pem").write_text("no certificate")
    (tmp_path / "authority.key").write_text("no key")
    broken = make_authority(tmp_path, NOW)
    with pytest.raises(SettingError, match=r"authority\.pem"):
        client_context(broken.certificate)
    with pytest.raises(SettingError, match="cannot be read"):
        issue(broken, tmp_path, "x.openami.localhost", NOW, server=True)
    with pytest.raises(SettingError, match=r"authority\.pem with key"):
        server_context(broken)
    with pytest.raises(SettingError, match="must be a host name"):
        issue(authority, tmp_path, "../x", NOW, server=True)
