"""The server's side of ACCESS."""

from __future__ import annotations

from typing import Final

from openami.protocols.dlms.access import (
    AccessAction,
    AccessRequest,
    AccessResponse,
    AccessResult,
    AccessSet,
    AccessSetWithSelection,
    AccessSpecification,
    LongInvokeId,
)
from openami.protocols.dlms.access_result import ActionResult, DataAccessResult
from openami.protocols.dlms.data import encode_data, null
from openami.protocols.dlms.service_context import NotServed, ServiceContext

NO_DATA: Final = encode_data(null())
_GET, _SET, _ACTION = 1, 2, 3


class AccessService:
    """One association's ACCESS requests; each is answered at once."""

    __slots__ = ("_context", "_left")

    def __init__(self, context: ServiceContext) -> None:
        self._context = context
        self._left = 0

    def answer(self, request: AccessRequest, now: float) -> AccessResponse:
        """The response to `request`; `now` is UTC. With break-on-error nothing is done after the first failure."""
        wanted, values = request.access_request_specification, request.access_request_list_of_data
        self._context.check_list(len(wanted), len(values))
        identity = request.long_invoke_id_and_priority
        self._left = self._context.settings.response_bytes_max
        results: list[AccessResult] = []
        data: list[bytes] = []
        broken = False
        for item, value in zip(wanted, values, strict=True):
            result, octets = _not_done(item) if broken else self._do(item, value, now)
            results.append(result)
            data.append(octets)
            broken = broken or bool(identity & LongInvokeId.BREAK_ON_ERROR and result.result)
        described = wanted if identity & LongInvokeId.SELF_DESCRIPTIVE else None
        return AccessResponse(identity, b"", described, tuple(data), tuple(results))

    def _do(self, item: AccessSpecification, value: bytes, now: float) -> tuple[AccessResult, bytes]:
        association, device = self._context.association, self._context.device
        if isinstance(item, AccessAction):
            argument = None if value == NO_DATA else value
            done, returned = device.action(association, item.cosem_method_descriptor, argument, now)
            return AccessResult(_ACTION, done), self._bounded(NO_DATA if returned is None else returned)
        selection = getattr(item, "access_selection", None)
        if isinstance(item, AccessSet | AccessSetWithSelection):
            written = device.set(association, item.cosem_attribute_descriptor, selection, value, now)
            return AccessResult(_SET, written), NO_DATA
        read = device.get(association, item.cosem_attribute_descriptor, selection, now)
        if isinstance(read, DataAccessResult):
            return AccessResult(_GET, read), NO_DATA
        return AccessResult(_GET, DataAccessResult.SUCCESS), self._bounded(read)

    def _bounded(self, octets: bytes) -> bytes:
        self._left -= len(octets)
        if self._left < 0:
            most = self._context.settings.response_bytes_max
            raise NotServed(f"the answer to an ACCESS request has more than {most} bytes")
        return octets


def _not_done(item: AccessSpecification) -> tuple[AccessResult, bytes]:
    """An element behind the first failure of a request that breaks on errors."""
    if isinstance(item, AccessAction):
        return AccessResult(_ACTION, ActionResult.OTHER_REASON), NO_DATA
    service = _SET if isinstance(item, AccessSet | AccessSetWithSelection) else _GET
    return AccessResult(service, DataAccessResult.OTHER_REASON), NO_DATA
