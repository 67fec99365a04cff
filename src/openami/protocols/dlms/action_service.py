"""The server's side of ACTION: methods, lists of them, long parameters and long answers in blocks."""

from __future__ import annotations

from typing import TypeAlias

from openami.model.errors import DecodeError, RemoteProtocolError
from openami.protocols.dlms.access_result import ActionResult, DataAccessResult
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
from openami.protocols.dlms.action_exchange import NO_PARAMETER, PARAMETERS, RESPONSES
from openami.protocols.dlms.apdu import Apdu
from openami.protocols.dlms.blocks import Collector, Slicer
from openami.protocols.dlms.conformance import Conformance
from openami.protocols.dlms.descriptor import CosemMethodDescriptor
from openami.protocols.dlms.service_context import HEADER, NotServed, ServiceContext
from openami.protocols.dlms.set import DataBlockSA
from openami.protocols.wire.declared import decode_all, encode_all

ActionRequest: TypeAlias = (
    ActionRequestNormal
    | ActionRequestNextPblock
    | ActionRequestWithList
    | ActionRequestWithFirstPblock
    | ActionRequestWithListAndFirstPblock
    | ActionRequestWithPblock
)


class ActionService:
    """One association's ACTIONs; one long parameter and one long answer at a time."""

    __slots__ = ("_blocks", "_context", "_listed", "_methods", "_outgoing")

    def __init__(self, context: ServiceContext) -> None:
        self._context = context
        self._methods: tuple[CosemMethodDescriptor, ...] = ()
        self._listed = False
        self._blocks: Collector | None = None
        self._outgoing: Slicer | None = None

    def answer(self, request: ActionRequest, now: float) -> Apdu:
        """The response to `request`; `now` is UTC."""
        invoke_id = request.invoke_id_and_priority
        if isinstance(request, ActionRequestNextPblock):
            return self._next(invoke_id, request.block_number)
        self._outgoing = None
        match request:
            case ActionRequestNormal():
                self._blocks = None
                return self._act(invoke_id, request.cosem_method_descriptor, request.method_invocation_parameters, now)
            case ActionRequestWithList():
                self._blocks = None
                methods, arguments = request.cosem_method_descriptor_list, request.method_invocation_parameters
                self._context.check_list(len(methods), len(arguments))
                return self._act_list(invoke_id, methods, arguments, now)
            case ActionRequestWithFirstPblock():
                self._begin((request.cosem_method_descriptor,), listed=False)
            case ActionRequestWithListAndFirstPblock():
                self._context.check_list(len(request.cosem_method_descriptor_list))
                self._begin(request.cosem_method_descriptor_list, listed=True)
        return self._take_block(invoke_id, request.pblock, now)

    # Acting

    def _act(self, invoke_id: int, method: CosemMethodDescriptor, argument: bytes | None, now: float) -> Apdu:
        context = self._context
        result, returned = context.device.action(context.association, method, argument, now)
        if returned is None or len(returned) + HEADER <= context.room:
            return ActionResponseNormal(invoke_id, result, returned)
        if result is ActionResult.SUCCESS and self._may_send(returned):
            return self._first_block(invoke_id, returned)
        return ActionResponseNormal(invoke_id, result, DataAccessResult.OTHER_REASON)

    def _act_list(
        self, invoke_id: int, methods: tuple[CosemMethodDescriptor, ...], arguments: tuple[bytes, ...], now: float
    ) -> Apdu:
        context = self._context
        responses = tuple(
            ActionResponseWithOptionalData(
                *context.device.action(context.association, method, None if argument == NO_PARAMETER else argument, now)
            )
            for method, argument in zip(methods, arguments, strict=True)
        )
        octets = encode_all(RESPONSES, responses)
        if len(octets) + HEADER <= context.room:
            return ActionResponseWithList(invoke_id, responses)
        if self._may_send(octets):
            return self._first_block(invoke_id, octets)
        refused = DataAccessResult.OTHER_REASON
        return ActionResponseWithList(
            invoke_id, tuple(ActionResponseWithOptionalData(each.result, refused) for each in responses)
        )

    # Long answers

    def _may_send(self, octets: bytes) -> bool:
        context = self._context
        return (
            context.agreed(Conformance.BLOCK_TRANSFER_WITH_ACTION)
            and len(octets) <= context.settings.response_bytes_max
        )

    def _first_block(self, invoke_id: int, octets: bytes) -> Apdu:
        self._outgoing = Slicer(octets, self._context.room - HEADER)
        return self._block(invoke_id, self._outgoing)

    def _block(self, invoke_id: int, outgoing: Slicer) -> Apdu:
        octets = outgoing.take()
        if outgoing.last:
            self._outgoing = None
        return ActionResponseWithPblock(invoke_id, DataBlockSA(outgoing.last, outgoing.number, octets))

    def _next(self, invoke_id: int, block_number: int) -> Apdu:
        outgoing = self._outgoing
        if outgoing is None:
            return ActionResponseNormal(invoke_id, ActionResult.NO_LONG_ACTION_IN_PROGRESS)
        if block_number != outgoing.number:
            self._outgoing = None
            return ActionResponseNormal(invoke_id, ActionResult.LONG_ACTION_ABORTED)
        return self._block(invoke_id, outgoing)

    # Long parameters

    def _begin(self, methods: tuple[CosemMethodDescriptor, ...], *, listed: bool) -> None:
        self._methods, self._listed = methods, listed
        self._blocks = Collector(self._context.settings.value_bytes_max)

    def _take_block(self, invoke_id: int, block: DataBlockSA, now: float) -> Apdu:
        blocks = self._blocks
        if blocks is None:
            return ActionResponseNormal(invoke_id, ActionResult.NO_LONG_ACTION_IN_PROGRESS)
        try:
            blocks.add(block.block_number, block.raw_data)
        except RemoteProtocolError:
            self._blocks = None
            return ActionResponseNormal(invoke_id, ActionResult.LONG_ACTION_ABORTED)
        if not block.last_block:
            return ActionResponseNextPblock(invoke_id, block.block_number)
        self._blocks = None
        if self._listed:
            return self._act_list(invoke_id, self._methods, self._arguments(blocks.join()), now)
        return self._act(invoke_id, self._methods[0], blocks.join(), now)

    def _arguments(self, octets: bytes) -> tuple[bytes, ...]:
        """The parameters that the blocks hold together, one for each method."""
        try:
            arguments = decode_all(PARAMETERS, octets)
        except DecodeError as error:
            raise NotServed(f"the blocks of an ACTION with list hold no list of parameters: {error}") from error
        self._context.check_list(len(self._methods), len(arguments))
        return arguments
