"""The client's side of ACTION: one method or several, long parameters and long answers in blocks.

What the blocks of an answer hold together: for a list its encoded responses; for one method either the Data that it
returned (as another open implementation sends it) or result, flag and Data as they stand in a normal answer. The
two cannot be confused: a Data whose first octet is 00 has no second one. The clause was not at hand.
"""

from __future__ import annotations

from typing import Any, Final

from openami.model.errors import RemoteProtocolError
from openami.protocols.dlms.access_result import ActionResult
from openami.protocols.dlms.action import (
    ActionRequestNextPblock,
    ActionRequestNormal,
    ActionRequestWithFirstPblock,
    ActionRequestWithList,
    ActionRequestWithListAndFirstPblock,
    ActionRequestWithPblock,
    ActionResponseNextPblock,
    ActionResponseNormal,
    ActionResponseWithList,
    ActionResponseWithOptionalData,
    ActionResponseWithPblock,
)
from openami.protocols.dlms.apdu import Apdu, encode_apdu
from openami.protocols.dlms.axdr import sequence_of
from openami.protocols.dlms.blocks import Collector
from openami.protocols.dlms.data import encode_data, null
from openami.protocols.dlms.exchange import BlockSender, empty_block, unexpected
from openami.protocols.dlms.raw_data import RAW_DATA
from openami.protocols.dlms.request import Action, ActionList
from openami.protocols.dlms.set import DataBlockSA
from openami.protocols.wire.declared import codec_of, decode_all, encode_all

PARAMETERS: Final = sequence_of(RAW_DATA)
_RESPONSE: Final = codec_of(ActionResponseWithOptionalData)
RESPONSES: Final = sequence_of(_RESPONSE)
NO_PARAMETER: Final = encode_data(null())
"""What stands in a list for a method without a parameter: null-data."""


class ActionExchange:
    """ACTION of one method; parameters that do not fit into `room` octets of APDU leave in blocks."""

    __slots__ = ("_answers", "_blocks", "_id", "_limit", "_whole", "answer")

    def __init__(self, request: Action | ActionList, invoke_id_and_priority: int, room: int, limit: int) -> None:
        self.answer: Any = None
        self._id = invoke_id_and_priority
        self._limit = limit
        self._answers: Collector | None = None
        self._whole = self._in_one(request)
        self._blocks: BlockSender | None = None
        octets = self._octets(request)
        if octets and len(encode_apdu(self._whole)) > room:
            self._blocks = BlockSender(octets, self._in_blocks(request, empty_block()), room)
            self._whole = self._in_blocks(request, self._blocks.block())

    @property
    def in_blocks(self) -> bool:
        """Whether the request leaves in blocks."""
        return self._blocks is not None

    def first(self) -> Apdu:
        return self._whole

    def take(self, apdu: Apdu) -> Apdu | None:
        if isinstance(apdu, ActionResponseWithPblock):
            return self._take_block(apdu.pblock)
        if self._answers is None and self._final(apdu):
            return None
        if self._blocks is None or not isinstance(apdu, ActionResponseNextPblock):
            raise unexpected(apdu, "ACTION")
        self._blocks.confirmed(apdu.block_number)
        return ActionRequestWithPblock(self._id, self._blocks.block())

    def _take_block(self, block: DataBlockSA) -> Apdu | None:
        if self._answers is None:
            self._answers = Collector(self._limit)
        self._answers.add(block.block_number, block.raw_data)
        if not block.last_block:
            return ActionRequestNextPblock(self._id, block.block_number)
        self.answer = self._joined(self._answers.join())
        return None

    def _final(self, apdu: Apdu) -> bool:
        if isinstance(apdu, ActionResponseNormal):
            self.answer = (apdu.result, apdu.return_parameters)
            return True
        return False

    def _joined(self, octets: bytes) -> Any:
        if octets[:1] == NO_PARAMETER and len(octets) > 1:
            response = decode_all(_RESPONSE, octets)
            return response.result, response.return_parameters
        return ActionResult.SUCCESS, octets

    def _in_one(self, request: Any) -> Apdu:
        return ActionRequestNormal(self._id, request.descriptor, request.argument)

    def _in_blocks(self, request: Any, block: DataBlockSA) -> Apdu:
        return ActionRequestWithFirstPblock(self._id, request.descriptor, block)

    def _octets(self, request: Any) -> bytes:
        return request.argument or b""


class ActionListExchange(ActionExchange):
    """ACTION of several methods; the blocks together are the list of parameters, or of responses."""

    __slots__ = ("_count",)

    def __init__(self, request: ActionList, invoke_id_and_priority: int, room: int, limit: int) -> None:
        self._count = len(request.descriptors)
        super().__init__(request, invoke_id_and_priority, room, limit)

    def _final(self, apdu: Apdu) -> bool:
        if isinstance(apdu, ActionResponseWithList):
            self.answer = self._checked(apdu.list_of_responses)
            return True
        if isinstance(apdu, ActionResponseNormal) and apdu.result is not ActionResult.SUCCESS:
            self.answer = ((apdu.result, None),) * self._count
            return True
        return False

    def _joined(self, octets: bytes) -> Any:
        return self._checked(decode_all(RESPONSES, octets))

    def _checked(self, responses: tuple[ActionResponseWithOptionalData, ...]) -> Any:
        if len(responses) != self._count:
            raise RemoteProtocolError(f"ACTION with list of {self._count} methods got {len(responses)} responses")
        return tuple((each.result, each.return_parameters) for each in responses)

    def _in_one(self, request: Any) -> Apdu:
        return ActionRequestWithList(self._id, request.descriptors, self._parameters(request))

    def _in_blocks(self, request: Any, block: DataBlockSA) -> Apdu:
        return ActionRequestWithListAndFirstPblock(self._id, request.descriptors, block)

    def _octets(self, request: Any) -> bytes:
        return encode_all(PARAMETERS, self._parameters(request))

    @staticmethod
    def _parameters(request: Any) -> tuple[bytes, ...]:
        return tuple(NO_PARAMETER if argument is None else argument for argument in request.arguments)
