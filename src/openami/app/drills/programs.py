"""Programs with a token, and texts that somebody else has given: what the interface, the pages and the files make of
them.
"""

from __future__ import annotations

import csv
import io
import json
import time
from base64 import urlsafe_b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

import numpy as np
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from openami.app.drills.drill import Removal, drill, stands
from openami.app.drills.portal_world import HOST, Browser, open_portal, tokens_of
from openami.app.drills.world import key_of
from openami.backoffice.mdm import export
from openami.backoffice.mdm.export import Exported, write_csv
from openami.backoffice.mdm.series import Series
from openami.field.meter.push_queue import random_of
from openami.model.obis import ObisCode
from openami.model.point import Channel, ChannelKind, MeteringPoint
from openami.model.unit import Unit
from openami.portal import identity
from openami.portal.accounts import Role
from openami.portal.api import tokens
from openami.portal.api.sender_proof import thumbprint_of
from openami.portal.api.tokens import Scope, Token, Tokens
from openami.portal.app import Portal
from openami.portal.sessions import Identity
from openami.protocols.dlms.asymmetric import PrivateKey

THIRD_PARTY = "third party"
API: Final = "/api/v1/points"
_FIND = Tokens.find


def _token(portal: Portal, *scopes: Scope) -> dict[str, str]:
    """The header of a program that Anna has let see her readings."""
    now = datetime.now(UTC)
    times = now - timedelta(hours=1), now + timedelta(hours=1)
    secret = tokens_of(portal).make("program", scopes, 1, times, random_of(b"token"))
    return {"authorization": f"Bearer {secret}"}


@drill("A081", THIRD_PARTY, Removal(Tokens, "withdraw", lambda *_: True))
def a_token_is_used_after_it_was_withdrawn() -> None:
    with open_portal() as portal:
        program, header = Browser(portal), _token(portal, Scope.POINTS)
        stands(program.get(API, **header).status == 200, "a token that holds opens nothing")
        tokens_of(portal).withdraw("program")
        stands(program.get(API, **header).status == 401, "a token that was withdrawn opens what it did before")


def _with_every_scope(self: Tokens, secret: str, now: datetime, proven_by: str = "") -> Token | None:
    found = _FIND(self, secret, now, proven_by)
    return found and replace(found, scopes=frozenset(Scope))


def _text(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def _jwk(key: PrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    return {"kty": "EC", "crv": "P-256", **{n: _text(getattr(numbers, n).to_bytes(32, "big")) for n in ("x", "y")}}


def _signed(key: PrivateKey, secret: str, name: str, path: str = API) -> dict[str, str]:
    """The headers of a request for `path` that a program with `key` makes; `name` is that of its proof."""
    claims = {"htm": "GET", "htu": f"https://{HOST}{path}", "iat": time.time(), "jti": name}
    parts = {"typ": "dpop+jwt", "alg": "ES256", "jwk": _jwk(key)}, {**claims, "ath": _text(_hash(secret))}
    octets = ".".join(_text(json.dumps(part).encode()) for part in parts)
    r, s = decode_dss_signature(key.sign(octets.encode(), ec.ECDSA(hashes.SHA256())))
    signature = _text(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    return {"authorization": f"DPoP {secret}", "dpop": f"{octets}.{signature}"}


def _hash(secret: str) -> bytes:
    return sha256(secret.encode()).digest()


@drill("A083", THIRD_PARTY, Removal(tokens, "_hash", lambda secret, _key: _hash(secret).hex()))
def a_token_that_is_bound_to_a_program_is_stolen() -> None:
    """A thief has the token and one whole request: not worth anything without the program's key."""
    own, thief = key_of("program"), key_of("thief of tokens")
    public = own.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with open_portal() as portal:
        browser, now = Browser(portal), datetime.now(UTC)
        times = now - timedelta(hours=1), now + timedelta(hours=1)
        secret = tokens_of(portal).make(
            "bound", [Scope.POINTS, Scope.READINGS], 1, times, random_of(b"bound"), bound_to=thumbprint_of(public)
        )
        heard = _signed(own, secret, "1")
        stands(browser.get(API, **heard).status == 200, "the program itself gets nothing: the drill proves nothing")
        tries = {
            "the token alone": {"authorization": f"Bearer {secret}"},
            "the request again": heard,
            "his own signature": _signed(thief, secret, "2"),
            "a signature for another address": _signed(own, secret, "3", f"{API}/P1"),
            "a request without a signature": {"authorization": f"DPoP {secret}"},
        }
        opened = [what for what, headers in tries.items() if browser.get(API, **headers).status != 401]
        stands(not opened, f"a thief gets in with {', '.join(opened)}")


@drill("A082", THIRD_PARTY, Removal(Tokens, "find", _with_every_scope))
def a_program_asks_for_more_than_it_was_let() -> None:
    """Who may see which points there are sees no reading, and who may see readings no list of points."""
    readings = [f"{API}/P1/{what}" for what in ("intervals", "sums", "registers", "file")]
    for scope, refused in ((Scope.POINTS, readings), (Scope.READINGS, [API, f"{API}/P1"])):
        with open_portal() as portal:
            program, header = Browser(portal), _token(portal, scope)
            for path in refused:
                status = program.get(path, **header).status
                stands(status == 403, f"{path} with the scope {scope.value} is answered with {status}")


async def _an_operator(_connection: object) -> Identity:
    return Identity("program", Role.OPERATOR, None, "csrf", "token")


@drill("A084", THIRD_PARTY, Removal(identity, "find_identity", _an_operator))
def a_program_wants_to_control() -> None:
    """No token opens what acts on meters, whatever its scopes: that needs an operator's session."""
    with open_portal() as portal:
        program, header = Browser(portal), _token(portal, *Scope)
        for path in ("/operator/meters/1/read", "/operator/commands/ask", f"{API}/P1", f"{API}/P1/intervals"):
            status = program.post(path, {"csrf": "csrf"}, **header).status
            stands(status in (303, 401, 403, 404, 405), f"POST {path} with a token is answered with {status}")
        for path in ("/operator", "/operator/meters/1", "/my/1/day"):
            status = program.get(path, **header).status
            stands(status in (303, 401, 403, 404), f"GET {path} with a token is answered with {status}")


@drill("A079", "portal user", Removal(export, "_quoted", str))
def a_label_is_a_formula() -> None:
    """What a spreadsheet would run is kept as text, and stays in its field."""
    for label in ("=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("x"),y'):
        point = MeteringPoint(1, label, "1 Mill Lane", "Europe/London")
        channel = Channel(1, 1, ObisCode(1, 0, 1, 8, 0), ChannelKind.INTERVAL_ENERGY, Unit.WATT_HOUR, 0, 900)
        one = np.array([900])
        series = Series(one, one, np.array([0], dtype=np.uint8), one)
        out = io.StringIO()
        write_csv([Exported(point, channel, series)], out)
        columns, row = csv.reader(out.getvalue().splitlines())
        stands(len(row) == len(columns), f"{label!r} has broken its line")
        stands(row[0] == "'" + label, f"{label!r} is run by a spreadsheet")
