"""Pairs that authenticate by each mechanism of high level security, and strangers who try to."""

from __future__ import annotations

from dataclasses import replace

from dlms_curves import SUITES, curves, strangers
from dlms_pair import BOTH, CLIENT_TITLE, KEYS, SECURED, Pair, Store, server_settings
from openami.protocols.dlms.association import AssociationSettings
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.client_settings import ClientSettings
from openami.protocols.dlms.security import Secret, SecurityControl

MECHANISMS = ("HLS2", "HLS3", "HLS4", "HLS5", "HLS6", "HLS7")


def manufacturer(challenge: bytes) -> bytes:
    return bytes(octet ^ 0x5A for octet in challenge)


def sides(mechanism, *, ciphered, suite=SUITES[0]):
    """The client's settings, and the server's for it."""
    ours, theirs = curves(suite)
    both = {
        "authentication": Authentication[mechanism],
        "hls_secret": Secret(b"a secret of both"),
        "hls_function": manufacturer,
        "weak_hashes_allowed": True,
    }
    protection = BOTH if ciphered else SecurityControl.NONE
    keys = KEYS if ciphered or mechanism == "HLS5" else None
    needs_title = keys is not None or both["authentication"].needs_system_titles
    client = ClientSettings(
        client_sap=SECURED,
        keys=keys,
        protection=protection,
        system_title=CLIENT_TITLE if needs_title else b"",
        asymmetric=ours,
        **both,
    )
    return client, AssociationSettings(keys=keys, protection=protection, asymmetric=theirs, **both)


def pair_of(client, association):
    return Pair(client, server_settings(Store(), associations={SECURED: association}))


WRONG = {
    "HLS2": {"hls_function": bytes},
    "HLS3": {"hls_secret": Secret(b"another")},
    "HLS4": {"hls_secret": Secret(b"another")},
    "HLS6": {"hls_secret": Secret(b"another")},
    "HLS7": {"asymmetric": strangers()[0]},
}


def genuine_pair(mechanism):
    """Both sides have what they need; APDUs are plain."""
    return pair_of(*sides(mechanism, ciphered=False))


def forged_client(mechanism):
    """The client has something else than the server."""
    client, association = sides(mechanism, ciphered=False)
    return pair_of(replace(client, **WRONG[mechanism]), association)
