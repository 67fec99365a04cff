"""Who asks the interface, for what, and whether they may see it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.exceptions import (
    NotAuthorizedException,
    NotFoundException,
    PermissionDeniedException,
    ValidationException,
)
from litestar.handlers.base import BaseRouteHandler

from openami.backoffice.audit.entry import Audit, Kind
from openami.backoffice.mdm.interfaces.exporting import Exporter
from openami.backoffice.mdm.mdm import Mdm
from openami.backoffice.registry.registry import Registry
from openami.io.clock import Clock
from openami.model.errors import SecurityError
from openami.model.obis import ObisCode
from openami.model.point import Channel, ChannelKind
from openami.portal.api.sender_proof import Proofs
from openami.portal.api.tokens import Scope, Token, Tokens
from openami.portal.ownership import Sight, Span, of_consumer, whole

FIRST, LAST = datetime(1970, 1, 2, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
PERIOD_MAX = timedelta(days=800)
CODE_MAX = 200
Asking = Request[Any, Any, Any]
log = structlog.get_logger("openami.portal.api")
Guard = Callable[[ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], Any]


@dataclass(frozen=True, slots=True)
class ApiRooms:
    """What the interface works with; `clock` is the meters' time, `wall` that by which tokens end."""

    registry: Registry
    mdm: Mdm
    exporter: Exporter
    tokens: Tokens
    clock: Clock
    wall: Clock
    audit: Audit | None = None
    proofs: Proofs = field(default_factory=Proofs)


def rooms_of(connection: ASGIConnection[Any, Any, Any, Any]) -> ApiRooms:
    """The rooms of the interface that is asked."""
    rooms: ApiRooms = connection.app.state.api
    return rooms


def asks_for(scope: Scope) -> Guard:
    """Guard: a token with this scope passes; 401 without a token that holds, 403 without the scope."""

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
        token = await asyncio.to_thread(_shown_token, connection)
        if token is None:
            challenge = {"www-authenticate": 'Bearer realm="openami", DPoP algs="ES256"'}
            raise NotAuthorizedException("a token is needed: Authorization: Bearer …", headers=challenge)
        if scope not in token.scopes:
            raise PermissionDeniedException(f"this token has not the scope {scope.value}")
        connection.scope["state"]["token"] = token

    return guard


def _shown_token(connection: ASGIConnection[Any, Any, Any, Any]) -> Token | None:
    """The token of a request; None without one that holds, and for one bound to a key that has not signed."""
    kind, _, secret = connection.headers.get("authorization", "").partition(" ")
    rooms, secret = rooms_of(connection), secret.strip()
    now = rooms.wall.time()
    key = ""
    if kind.lower() == "dpop" and secret and isinstance(connection, Request):
        try:
            method, address = connection.method, _address(connection)
            key = rooms.proofs.check(connection.headers.get("dpop", ""), method, address, secret, now)
        except SecurityError as error:
            raise NotAuthorizedException(str(error), headers={"www-authenticate": 'DPoP algs="ES256"'}) from None
    elif kind.lower() != "bearer" or not secret:
        return None
    return rooms.tokens.find(secret, datetime.fromtimestamp(now, UTC), key)


def _address(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    return f"https://{connection.headers.get('host', '')}{connection.scope['raw_path'].decode('latin-1')}"


def token_of(request: Asking) -> Token:
    """The token that `asks_for` let pass."""
    token: Token = request.scope["state"]["token"]
    return token


def sights(request: Asking) -> dict[int, Sight] | None:
    """What a consumer's token may see, by point; None for a token that may see everything."""
    token = token_of(request)
    if token.consumer is None:
        return None
    return {sight.point.id: sight for sight in of_consumer(rooms_of(request).registry, token.consumer)}


def sight_of(request: Asking, code: str) -> Sight:
    """The point of that code; 404 if there is none, or none that the token may see."""
    point = rooms_of(request).registry.point_by_code(code) if len(code) <= CODE_MAX and "\0" not in code else None
    if point is None:
        raise NotFoundException("there is no such metering point")
    visible = sights(request)
    if visible is None:
        note_access(request, f"metering_point {point.code}", request.scope["path"].rpartition("/")[2])
        return whole(point)
    if point.id not in visible:
        raise NotFoundException("there is no such metering point")
    return visible[point.id]


def note_access(request: Asking, subject: str, what: str) -> None:
    """Note that a program looks at what is not only its consumer's; in the audit log too, before it is answered.

    Raises `StoreError` if it cannot be entered. Takes a disk's time.
    """
    name = token_of(request).name
    log.info("personal data viewed", token=name, subject=subject, what=what)
    if (audit := rooms_of(request).audit) is not None:
        audit.enter(Kind.PERSONAL_DATA, f"token {name}", subject, f"asked for {what}")


def period(rooms: ApiRooms, start: datetime | None, end: datetime | None) -> Span:
    """The period that is asked for; by default the last seven days. 400 for one that cannot be."""
    now = datetime.fromtimestamp(rooms.clock.time(), UTC)
    last = now if end is None else end
    first = (last if last.tzinfo else now) - timedelta(days=7) if start is None else start
    if first.tzinfo is None or last.tzinfo is None:
        raise ValidationException("from and to need a zone: Z or an offset such as +01:00")
    try:
        bounds = first.astimezone(UTC), last.astimezone(UTC)
    except OverflowError:
        raise ValidationException("from or to is no time that can be") from None
    if not FIRST <= bounds[0] <= bounds[1] <= LAST:
        raise ValidationException("from must not be after to, and both lie between 1970 and 2200")
    if bounds[1] - bounds[0] > PERIOD_MAX:
        raise ValidationException(f"at most {PERIOD_MAX.days} days can be asked at once")
    return bounds


def obis_of(text: str) -> ObisCode:
    """The OBIS code; 400 if it is none."""
    try:
        return ObisCode.parse(text)
    except ValueError as error:
        raise ValidationException(str(error)) from None


def interval_channel(rooms: ApiRooms, sight: Sight, obis: ObisCode) -> Channel:
    """The point's channel of interval energy for the quantity; 404 if there is none."""
    for channel in rooms.registry.channels(sight.point.id):
        if channel.obis == obis and channel.kind is ChannelKind.INTERVAL_ENERGY:
            return channel
    raise NotFoundException(f"the metering point has no interval channel for {obis}")
