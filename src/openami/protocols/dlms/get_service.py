"""The server's side of GET: attributes, lists of them, long answers in blocks."""

from __future__ import annotations

from typing import Final

from openami.protocols.dlms.access_result import DataAccessResult
from openami.protocols.dlms.apdu import Apdu
from openami.protocols.dlms.axdr import sequence_of
from openami.protocols.dlms.blocks import Slicer
from openami.protocols.dlms.conformance import Conformance
from openami.protocols.dlms.get import (
    GET_DATA_RESULT,
    DataBlockG,
    GetRequestNext,
    GetRequestNormal,
    GetRequestWithList,
    GetResponseNormal,
    GetResponseWithDatablock,
    GetResponseWithList,
)
from openami.protocols.dlms.service_context import HEADER, ServiceContext
from openami.protocols.wire.declared import encode_all

_LIST: Final = sequence_of(GET_DATA_RESULT)


class GetService:
    """One association's GETs; one long answer at a time."""

    __slots__ = ("_context", "_outgoing")

    def __init__(self, context: ServiceContext) -> None:
        self._context = context
        self._outgoing: Slicer | None = None

    def answer(self, request: GetRequestNormal | GetRequestNext | GetRequestWithList, now: float) -> Apdu:
        """The response to `request`; `now` is UTC."""
        match request:
            case GetRequestNormal():
                return self._get(request, now)
            case GetRequestNext():
                return self._next(request)
            case _:
                return self._get_list(request, now)

    def _get(self, request: GetRequestNormal, now: float) -> Apdu:
        self._outgoing = None
        context, invoke_id = self._context, request.invoke_id_and_priority
        result = context.device.get(
            context.association, request.cosem_attribute_descriptor, request.access_selection, now
        )
        if isinstance(result, DataAccessResult) or len(result) + HEADER <= context.room:
            return GetResponseNormal(invoke_id, result)
        return self._first_block(invoke_id, result)

    def _first_block(self, invoke_id: int, octets: bytes) -> Apdu:
        context = self._context
        if not context.agreed(Conformance.BLOCK_TRANSFER_WITH_GET_OR_READ):
            return GetResponseNormal(invoke_id, DataAccessResult.OTHER_REASON)
        if len(octets) > context.settings.response_bytes_max:
            return GetResponseNormal(invoke_id, DataAccessResult.DATA_BLOCK_UNAVAILABLE)
        self._outgoing = Slicer(octets, context.room - HEADER)
        return self._block(invoke_id, self._outgoing)

    def _block(self, invoke_id: int, outgoing: Slicer) -> Apdu:
        octets = outgoing.take()
        if outgoing.last:
            self._outgoing = None
        return GetResponseWithDatablock(invoke_id, DataBlockG(outgoing.last, outgoing.number, octets))

    def _next(self, request: GetRequestNext) -> Apdu:
        outgoing, invoke_id = self._outgoing, request.invoke_id_and_priority
        if outgoing is None:
            refusal = DataAccessResult.NO_LONG_GET_IN_PROGRESS
        elif request.block_number != outgoing.number:
            self._outgoing, refusal = None, DataAccessResult.DATA_BLOCK_NUMBER_INVALID
        else:
            return self._block(invoke_id, outgoing)
        number = request.block_number
        return GetResponseWithDatablock(invoke_id, DataBlockG(last_block=True, block_number=number, result=refusal))

    def _get_list(self, request: GetRequestWithList, now: float) -> Apdu:
        self._outgoing = None
        context = self._context
        results: list[bytes | DataAccessResult] = []
        left = context.settings.response_bytes_max
        context.check_list(len(request.attribute_descriptor_list))
        for item in request.attribute_descriptor_list:
            result = context.device.get(
                context.association, item.cosem_attribute_descriptor, item.access_selection, now
            )
            if isinstance(result, bytes):
                left -= len(result)
            results.append(result if left >= 0 else DataAccessResult.OTHER_REASON)
            left = max(left, 0)
        octets = encode_all(_LIST, tuple(results))
        if len(octets) + HEADER <= context.room:
            return GetResponseWithList(request.invoke_id_and_priority, tuple(results))
        return self._first_block(request.invoke_id_and_priority, octets)
