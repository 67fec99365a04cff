"""The interface as an application of its own, which the portal mounts at `/api/v1` behind its gate."""

from __future__ import annotations

import traceback
from typing import Any

import structlog
from litestar import Litestar, Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.handlers import asgi
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme, Server
from litestar.types import ASGIApp, Receive, Scope, Send

from openami import __version__
from openami.backoffice.audit.entry import Audit
from openami.backoffice.mdm.interfaces.exporting import Exporter
from openami.backoffice.mdm.mdm import Mdm
from openami.backoffice.registry.registry import Registry
from openami.io.clock import Clock
from openami.io.store.engine import Store
from openami.portal.api.answers import ErrorAnswer
from openami.portal.api.asking import ApiRooms
from openami.portal.api.routes import ROUTES
from openami.portal.api.tokens import Tokens

PATH = "/api/v1"
log = structlog.get_logger("openami.portal.api")


def make_api(
    store: Store, registry: Registry, mdm: Mdm, clock: Clock, wall: Clock, audit: Audit | None = None
) -> Litestar:
    """The application. Its OpenAPI document is at `/openapi.json` below where it is mounted.

    What programs look at beyond their own consumer is entered in `audit` before it is answered.
    """
    rooms = ApiRooms(registry, mdm, Exporter(store, registry, mdm), Tokens(store), clock, wall, audit)
    described = OpenAPIConfig(
        title="OpenAMI",
        version=__version__,
        description="Validated readings by token. Times carry a zone; a value that is missing is null, never 0.",
        path="/",
        render_plugins=[JsonRenderPlugin(path="/openapi.json")],
        servers=[Server(url=PATH)],
        components=Components(security_schemes={"token": SecurityScheme(type="http", scheme="bearer")}),
        security=[{"token": []}],
    )
    return Litestar(
        route_handlers=[ROUTES],
        exception_handlers={HTTPException: _refused, Exception: _failed},
        state=State({"api": rooms}),
        openapi_config=described,
        request_max_body_size=1,
        logging_config=None,
        debug=False,
    )


def mounted(api: ASGIApp) -> Any:
    """A handler under which the portal serves the interface."""

    @asgi(PATH, is_mount=True, copy_scope=True)
    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        await api(scope, receive, send)

    return serve


def _refused(_: Request[Any, Any, Any], error: HTTPException) -> Response[ErrorAnswer]:
    answer = ErrorAnswer(status_code=error.status_code, detail=error.detail)
    return Response(answer, status_code=error.status_code, headers=error.headers, media_type="application/json")


def _failed(request: Request[Any, Any, Any], error: Exception) -> Response[ErrorAnswer]:
    # As text, without the frames' variables: those may hold readings.
    log.error("a request failed", path=request.scope["path"], trace="".join(traceback.format_exception(error)))
    answer = ErrorAnswer(status_code=500, detail="something went wrong here; it has been noted")
    return Response(answer, status_code=500, media_type="application/json")
