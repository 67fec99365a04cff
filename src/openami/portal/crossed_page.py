"""The console's list of meters that may be crossed: for a person to look at, nothing follows by itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from litestar import Request, Response, get

from openami.backoffice.mdm.crossed_hints import HOURS
from openami.portal.identity import note_access
from openami.portal.rooms import rooms_of

BACK = timedelta(days=90)
SHOWN = 100


@get("/crossed", sync_to_thread=True)
def crossed_page(request: Request[Any, Any, Any]) -> Response[str]:
    """Pairs of points that look crossed since an exchange of the last 90 days, the likeliest first."""
    rooms = rooms_of(request)
    found = rooms.crossed_hints(rooms.now - BACK, rooms.now)[:SHOWN]
    pairs = [[(rooms.registry.point(side.metering_point), side) for side in (hint.one, hint.other)] for hint in found]
    codes = [point.code for pair in pairs for point, _ in pair]
    note_access(request, "crossed meters", shown=len(found), metering_point=" ".join(codes) or None)
    return rooms.pages.page(request, "crossed", pairs=list(zip(found, pairs, strict=True)), days=BACK.days, hours=HOURS)
