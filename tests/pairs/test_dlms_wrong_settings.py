"""Wrong keys, counters, titles, roles, suites, policies: each is told apart, and tells the operator what to do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dlms_curves import curves, strangers
from dlms_pair import (
    BOTH,
    CLIENT_TITLE,
    KEYS,
    SECURED,
    SERVER_TITLE,
    Pair,
    Store,
    client_settings,
    password_settings,
    plain_settings,
    server_settings,
)
from openami.protocols.dlms.association import AssociationSettings
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.client_settings import ClientSettings
from openami.protocols.dlms.policy import policy_version_0
from openami.protocols.dlms.security import Secret, SecurityControl, SecuritySuite
from openami.protocols.dlms.server_settings import ServerSettings

WRONG = bytes(16)
CURVED = replace(KEYS, suite=SecuritySuite.SUITE_1)


def server(**changes: Any) -> ServerSettings:
    secured = {"authentication": Authentication.HLS5, "keys": KEYS, "protection": BOTH, **changes}
    return ServerSettings(SERVER_TITLE, {1: Store()}, {SECURED: AssociationSettings(**secured)})


def hls(authentication: Authentication, **changes: Any) -> dict[str, Any]:
    return {"authentication": authentication, **changes}


CASES: dict[str, tuple[ClientSettings, ServerSettings, str, str]] = {
    "encryption key": (
        client_settings(keys=replace(KEYS, global_unicast_encryption_key=WRONG)),
        server(),
        "are the keys those of client 1, of suite 0",
        "tag does not match: wrong key, wrong system title or altered bytes",
    ),
    "suite": (
        client_settings(keys=CURVED),
        server(),
        "are the keys those of client 1, of suite 1",
        "names suite 1; the keys are of suite 0",
    ),
    "policy": (
        client_settings(policy=policy_version_0(1)),
        server(),
        "is its security policy no stronger than ours",
        "protects less than the required 30",
    ),
    "counter": (client_settings(), server(), "give a higher invocation counter", "is not newer than the last accepted"),
    "client title": (
        client_settings(),
        server(client_system_title=b"OAM\0\0\0\0\7"),
        f"another system title there than our {CLIENT_TITLE.hex()}",
        f"client system title {CLIENT_TITLE.hex()} is not the one agreed",
    ),
    "server title": (
        client_settings(server_system_title=b"OAM\0\0\0\0\7"),
        server(),
        f"system title {SERVER_TITLE.hex()} answered where 4f414d0000000007 was called",
        "",
    ),
    "client address": (
        client_settings(client_sap=9),
        server(),
        "does the meter know client 9",
        "client SAP 9 is not known here",
    ),
    "logical device": (
        client_settings(server_sap=9),
        server(),
        "no logical device at server SAP 9; 1 is the management logical device",
        "server SAP 9 is not there",
    ),
    "mechanism": (
        client_settings(),
        server(**hls(Authentication.HLS6, hls_secret=Secret(b"x"))),
        "proves itself in another way there than by hls5",
        "authentication mechanism 5 is not the one agreed",
    ),
    "no mechanism": (
        plain_settings(client_sap=SECURED),
        server(protection=SecurityControl.NONE),
        "authentication-mechanism-name-required",
        "no authentication is named",
    ),
    "no ciphering": (
        plain_settings(client_sap=SECURED),
        server(),
        "client 1 of the meter ciphers: set its encryption key",
        "application context is not the one agreed",
    ),
    "password": (
        password_settings(password=Secret(b"no")),
        server_settings(Store()),
        "is the password that of client 2",
        "wrong password",
    ),
    "secret": (
        client_settings(**hls(Authentication.HLS6, hls_secret=Secret(b"y"))),
        server(**hls(Authentication.HLS6, hls_secret=Secret(b"x"))),
        "is the secret of HLS6 that of client 1",
        "wrong secret or altered bytes",
    ),
    "signing key": (
        client_settings(**hls(Authentication.HLS7, keys=CURVED, asymmetric=strangers()[0])),
        server(**hls(Authentication.HLS7, keys=CURVED, asymmetric=curves()[1])),
        "does the meter hold the certificate of our signing key",
        "another signer, or altered bytes",
    ),
}


def told(name: str) -> tuple[str, str]:
    """What the client says, and what the server's log says."""
    client, other, _, _ = CASES[name]
    pair = Pair(client, other)
    if name == "counter":
        key = KEYS.global_unicast_encryption_key
        pair.server_counters.save(pair.state.window_name(SECURED, CLIENT_TITLE, key), 1000)
    event = pair.associate()
    logged = [str(one.error) for one in pair.server_events if hasattr(one, "error")]
    return str(getattr(event, "error", event)), " ".join(logged)


@pytest.mark.parametrize("name", CASES)
def test_it_says_what_is_wrong_and_what_to_do(name: str) -> None:
    _, _, by_client, by_server = CASES[name]
    client, server = told(name)
    assert by_client in client
    assert by_server in server
    for secret in (KEYS.global_unicast_encryption_key, KEYS.authentication_key):
        assert secret.hex() not in client + server


def test_no_two_of_them_say_the_same() -> None:
    assert len({told(name) for name in CASES}) == len(CASES)
    assert len({told(name)[1] for name in CASES}) == len(CASES)
