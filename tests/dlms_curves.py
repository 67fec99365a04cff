"""Elliptic-curve keys of a client, a server and a stranger, the same in every run; never used for anything real."""

from __future__ import annotations

from openami.protocols.dlms.asymmetric import EXTRA, AsymmetricKeys, parameters_of, private_key
from openami.protocols.dlms.security import SecuritySuite

SUITES = (SecuritySuite.SUITE_1, SecuritySuite.SUITE_2)


def key(seed: int, suite: SecuritySuite):
    """The private key number `seed`."""
    return private_key(bytes([seed]) * (parameters_of(suite).size + EXTRA), suite)


def curves(suite: SecuritySuite = SecuritySuite.SUITE_1) -> tuple[AsymmetricKeys, AsymmetricKeys]:
    """The client's and the server's keys, each trusting the other."""
    return pair_of(suite, (1, 2), (3, 4))


def strangers(suite: SecuritySuite = SecuritySuite.SUITE_1) -> tuple[AsymmetricKeys, AsymmetricKeys]:
    """Keys that nobody trusts, with public halves of the genuine client and server."""
    client, server = curves(suite)
    return (
        AsymmetricKeys(suite, key(7, suite), client.peer_signing, key(8, suite), client.peer_agreement),
        AsymmetricKeys(suite, key(7, suite), server.peer_signing, key(8, suite), server.peer_agreement),
    )


def pair_of(suite, client, server):
    ours, theirs = (tuple(key(seed, suite) for seed in side) for side in (client, server))
    return (
        AsymmetricKeys(suite, ours[0], theirs[0].public_key(), ours[1], theirs[1].public_key()),
        AsymmetricKeys(suite, theirs[0], ours[0].public_key(), theirs[1], ours[1].public_key()),
    )
