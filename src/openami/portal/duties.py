"""What an operator's account may do, by duty; a route says which duties open it, and one without any is closed."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from litestar import Litestar


class Duty(StrEnum):
    """Each is given by itself; who decides on commands as a person is decided by authority and guard, not here."""

    READER = "reader"
    OPERATOR = "operator"
    APPROVER = "approver"
    SECURITY_OFFICER = "security-officer"
    PRIVACY_OFFICER = "privacy-officer"


EVERY_DUTY: Final = frozenset(Duty)
_KEY: Final = "duties"
HOMES: Final = (
    (Duty.READER, "/operator"),
    (Duty.OPERATOR, "/operator/commands"),
    (Duty.APPROVER, "/operator/commands"),
    (Duty.SECURITY_OFFICER, "/operator/audit"),
    (Duty.PRIVACY_OFFICER, "/operator/privacy"),
)
"""Where somebody begins who has this duty and none of those before."""


def opened_by(*duties: Duty) -> dict[str, frozenset[Duty]]:
    """The option of a route, or of all routes of a router, that any of these duties opens."""
    return {_KEY: frozenset(duties)}


def duties_of(options: dict[str, object]) -> frozenset[Duty]:
    """The duties that open a route with these options; none: it is closed."""
    found = options.get(_KEY, frozenset())
    assert isinstance(found, frozenset)
    return found


def home_of(duties: Iterable[Duty]) -> str:
    """The first page of an operator."""
    held = frozenset(duties)
    return next((home for duty, home in HOMES if duty in held), "/security")


def routes_by_duty(portal: Litestar) -> list[tuple[str, str, list[str]]]:
    """Each route of operators: method, path, the duties that open it."""
    found = []
    for route in portal.routes:
        if route.path.startswith("/operator"):
            for handler in getattr(route, "route_handlers", ()):
                methods = sorted(handler.http_methods - {"OPTIONS", "HEAD"})
                opening = [duty.value for duty in Duty if duty in duties_of(handler.opt)]
                found += [(method, route.path, opening) for method in methods]
    return sorted(found, key=lambda one: (one[1], one[0]))
