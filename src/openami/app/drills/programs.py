"""Programs with a token, and texts that somebody else has given: what the interface, the pages and the files make of
them.
"""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from openami.app.drills.drill import Removal, drill, stands
from openami.app.drills.portal_world import Browser, open_portal, tokens_of
from openami.backoffice.mdm import export
from openami.backoffice.mdm.export import Exported, write_csv
from openami.backoffice.mdm.series import Series
from openami.field.meter.push_queue import random_of
from openami.model.obis import ObisCode
from openami.model.point import Channel, ChannelKind, MeteringPoint
from openami.model.unit import Unit
from openami.portal import identity
from openami.portal.accounts import Role
from openami.portal.api.tokens import Scope, Token, Tokens
from openami.portal.app import Portal
from openami.portal.sessions import Identity

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


def _with_every_scope(self: Tokens, secret: str, now: datetime) -> Token | None:
    found = _FIND(self, secret, now)
    return found and replace(found, scopes=frozenset(Scope))


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
