"""The server's side of GET, SET and ACTION: what one association has asked of a logical device, in blocks too."""

from __future__ import annotations

from typing import Final

from openami.model.errors import RemoteProtocolError
from openami.protocols.dlms.access_result import ActionResult, DataAccessResult
from openami.protocols.dlms.action import (
    ActionRequestNextPblock,
    ActionRequestNormal,
    ActionRequestWithFirstPblock,
    ActionRequestWithList,
    ActionRequestWithPblock,
    ActionResponseNextPblock,
    ActionResponseNormal,
    ActionResponseWithList,
    ActionResponseWithOptionalData,
)
from openami.protocols.dlms.apdu import Apdu
from openami.protocols.dlms.association import Association
from openami.protocols.dlms.axdr import sequence_of
from openami.protocols.dlms.blocks import Collector, Slicer
from openami.protocols.dlms.conformance import Conformance
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor, CosemMethodDescriptor, SelectiveAccess
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
from openami.protocols.dlms.server_settings import LogicalDevice, ServerSettings
from openami.protocols.dlms.set import (
    DataBlockSA,
    SetRequestNormal,
    SetRequestWithDatablock,
    SetRequestWithFirstDatablock,
    SetRequestWithList,
    SetResponseDatablock,
    SetResponseLastDatablock,
    SetResponseNormal,
    SetResponseWithList,
)
from openami.protocols.wire.declared import encode_all

_LIST: Final = sequence_of(GET_DATA_RESULT)
_HEADER: Final = 16
"""More than a response or a block has before its octets: tags, invoke id, block number, choice, length."""

_LongSet = tuple[CosemAttributeDescriptor, SelectiveAccess | None, Collector]
_LongAction = tuple[CosemMethodDescriptor, Collector]


class NotServed(RemoteProtocolError):
    """A request that this server has no answer for; it becomes an ExceptionResponse."""


class Services:
    """What one association has under way; `room` octets of plain APDU fit into an answer."""

    __slots__ = ("_association", "_device", "_long_action", "_long_set", "_outgoing", "_room", "_settings")

    def __init__(self, association: Association, device: LogicalDevice, settings: ServerSettings, room: int) -> None:
        self._association = association
        self._device = device
        self._settings = settings
        self._room = room
        self._outgoing: Slicer | None = None
        self._long_set: _LongSet | None = None
        self._long_action: _LongAction | None = None

    def answer(self, apdu: Apdu, now: float) -> Apdu | None:
        """The response to `apdu`, None if it wants none; raises `NotServed` if it is no request. `now` is UTC."""
        match apdu:
            case GetRequestNormal():
                return self._get(apdu, now)
            case GetRequestNext():
                return self._get_next(apdu)
            case GetRequestWithList():
                return self._get_list(apdu, now)
            case SetRequestNormal() | SetRequestWithList() | SetRequestWithFirstDatablock() | SetRequestWithDatablock():
                response = self._answer_set(apdu, now)
            case ActionRequestNormal() | ActionRequestWithList():
                response = self._answer_action(apdu, now)
            case ActionRequestWithFirstPblock() | ActionRequestWithPblock() | ActionRequestNextPblock():
                response = self._answer_pblock(apdu, now)
            case _:
                raise NotServed(f"{type(apdu).__name__} is not served here")
        confirmed = apdu.invoke_id_and_priority & 0x40
        return response if confirmed else None

    # GET

    def _get(self, request: GetRequestNormal, now: float) -> Apdu:
        self._outgoing = None
        invoke_id = request.invoke_id_and_priority
        result = self._device.get(self._association, request.cosem_attribute_descriptor, request.access_selection, now)
        if isinstance(result, DataAccessResult) or len(result) + _HEADER <= self._room:
            return GetResponseNormal(invoke_id, result)
        return self._first_block(invoke_id, result)

    def _first_block(self, invoke_id: int, octets: bytes) -> Apdu:
        if not self._association.conformance & Conformance.BLOCK_TRANSFER_WITH_GET_OR_READ:
            return GetResponseNormal(invoke_id, DataAccessResult.OTHER_REASON)
        if len(octets) > self._settings.response_bytes_max:
            return GetResponseNormal(invoke_id, DataAccessResult.DATA_BLOCK_UNAVAILABLE)
        self._outgoing = Slicer(octets, self._room - _HEADER)
        return self._block(invoke_id, self._outgoing)

    def _block(self, invoke_id: int, outgoing: Slicer) -> Apdu:
        octets = outgoing.take()
        if outgoing.last:
            self._outgoing = None
        return GetResponseWithDatablock(invoke_id, DataBlockG(outgoing.last, outgoing.number, octets))

    def _get_next(self, request: GetRequestNext) -> Apdu:
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
        results: list[bytes | DataAccessResult] = []
        left = self._settings.response_bytes_max
        self._check_list(len(request.attribute_descriptor_list))
        for item in request.attribute_descriptor_list:
            result = self._device.get(self._association, item.cosem_attribute_descriptor, item.access_selection, now)
            if isinstance(result, bytes):
                left -= len(result)
            results.append(result if left >= 0 else DataAccessResult.OTHER_REASON)
            left = max(left, 0)
        octets = encode_all(_LIST, tuple(results))
        if len(octets) + _HEADER <= self._room:
            return GetResponseWithList(request.invoke_id_and_priority, tuple(results))
        return self._first_block(request.invoke_id_and_priority, octets)

    def _check_list(self, count: int) -> None:
        if count > self._settings.list_max:
            raise NotServed(f"request with a list of {count}, at most {self._settings.list_max} are served")

    # SET

    def _answer_set(
        self,
        request: SetRequestNormal | SetRequestWithList | SetRequestWithFirstDatablock | SetRequestWithDatablock,
        now: float,
    ) -> Apdu:
        invoke_id = request.invoke_id_and_priority
        match request:
            case SetRequestNormal():
                result = self._set(request.cosem_attribute_descriptor, request.access_selection, request.value, now)
                return SetResponseNormal(invoke_id, result)
            case SetRequestWithList():
                return self._set_list(request, now)
            case SetRequestWithFirstDatablock():
                blocks = Collector(self._settings.value_bytes_max)
                self._long_set = (request.cosem_attribute_descriptor, request.access_selection, blocks)
        return self._set_block(invoke_id, request.datablock, now)

    def _set(
        self, descriptor: CosemAttributeDescriptor, selection: SelectiveAccess | None, value: bytes, now: float
    ) -> DataAccessResult:
        return self._device.set(self._association, descriptor, selection, value, now)

    def _set_list(self, request: SetRequestWithList, now: float) -> Apdu:
        wanted, values = request.attribute_descriptor_list, request.value_list
        self._check_list(len(wanted))
        if len(wanted) != len(values):
            raise NotServed(f"SET of {len(wanted)} attributes with {len(values)} values")
        results = tuple(
            self._set(item.cosem_attribute_descriptor, item.access_selection, value, now)
            for item, value in zip(wanted, values, strict=True)
        )
        return SetResponseWithList(request.invoke_id_and_priority, results)

    def _set_block(self, invoke_id: int, block: DataBlockSA, now: float) -> Apdu:
        if self._long_set is None:
            refusal = DataAccessResult.NO_LONG_SET_IN_PROGRESS
            return SetResponseLastDatablock(invoke_id, refusal, block.block_number)
        descriptor, selection, blocks = self._long_set
        try:
            blocks.add(block.block_number, block.raw_data)
        except RemoteProtocolError:
            self._long_set = None
            return SetResponseLastDatablock(invoke_id, DataAccessResult.LONG_SET_ABORTED, block.block_number)
        if not block.last_block:
            return SetResponseDatablock(invoke_id, block.block_number)
        self._long_set = None
        result = self._set(descriptor, selection, blocks.join(), now)
        return SetResponseLastDatablock(invoke_id, result, block.block_number)

    # ACTION

    def _answer_action(self, request: ActionRequestNormal | ActionRequestWithList, now: float) -> Apdu:
        if isinstance(request, ActionRequestNormal):
            invoke_id, argument = request.invoke_id_and_priority, request.method_invocation_parameters
            return self._act(invoke_id, request.cosem_method_descriptor, argument, now)
        wanted, arguments = request.cosem_method_descriptor_list, request.method_invocation_parameters
        self._check_list(len(wanted))
        if len(wanted) != len(arguments):
            raise NotServed(f"ACTION of {len(wanted)} methods with {len(arguments)} parameters")
        responses = tuple(
            ActionResponseWithOptionalData(*self._device.action(self._association, descriptor, argument, now))
            for descriptor, argument in zip(wanted, arguments, strict=True)
        )
        response = ActionResponseWithList(request.invoke_id_and_priority, responses)
        size = sum(len(each.return_parameters) + 4 for each in responses if isinstance(each.return_parameters, bytes))
        if size + _HEADER + 4 * len(responses) <= self._room:
            return response
        refused = tuple(
            ActionResponseWithOptionalData(each.result, DataAccessResult.OTHER_REASON) for each in responses
        )
        return ActionResponseWithList(request.invoke_id_and_priority, refused)

    def _act(self, invoke_id: int, descriptor: CosemMethodDescriptor, argument: bytes | None, now: float) -> Apdu:
        result, returned = self._device.action(self._association, descriptor, argument, now)
        if returned is not None and len(returned) + _HEADER > self._room:
            return ActionResponseNormal(invoke_id, result, DataAccessResult.OTHER_REASON)
        return ActionResponseNormal(invoke_id, result, returned)

    def _answer_pblock(
        self, request: ActionRequestWithFirstPblock | ActionRequestWithPblock | ActionRequestNextPblock, now: float
    ) -> Apdu:
        invoke_id = request.invoke_id_and_priority
        if isinstance(request, ActionRequestNextPblock):
            return ActionResponseNormal(invoke_id, ActionResult.NO_LONG_ACTION_IN_PROGRESS)
        if isinstance(request, ActionRequestWithFirstPblock):
            blocks = Collector(self._settings.value_bytes_max)
            self._long_action = (request.cosem_method_descriptor, blocks)
        if self._long_action is None:
            return ActionResponseNormal(invoke_id, ActionResult.NO_LONG_ACTION_IN_PROGRESS)
        descriptor, blocks = self._long_action
        try:
            blocks.add(request.pblock.block_number, request.pblock.raw_data)
        except RemoteProtocolError:
            self._long_action = None
            return ActionResponseNormal(invoke_id, ActionResult.LONG_ACTION_ABORTED)
        if not request.pblock.last_block:
            return ActionResponseNextPblock(invoke_id, request.pblock.block_number)
        self._long_action = None
        return self._act(invoke_id, descriptor, blocks.join(), now)
