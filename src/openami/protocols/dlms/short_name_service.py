"""The server's side of the short-name services: Read, Write and UnconfirmedWrite of a logical device's objects.

A method is invoked by writing its parameter to it, or by reading it with the parameter (parameterized access). A long
answer comes in blocks, which together are the encoded list of results; the blocks of a long request are together its
octets behind the tag (the clauses were not at hand).
"""

from __future__ import annotations

from typing import Final

from openami.protocols.dlms.access_result import ActionResult, DataAccessResult
from openami.protocols.dlms.apdu import Apdu, apdu_name, encode_apdu
from openami.protocols.dlms.association import Association
from openami.protocols.dlms.blocks import Collector, Slicer
from openami.protocols.dlms.conformance import Conformance
from openami.protocols.dlms.data import decode_data, encode_data, null
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor, CosemMethodDescriptor, SelectiveAccess
from openami.protocols.dlms.errors import conformance_text
from openami.protocols.dlms.server_settings import LogicalDevice, ServerSettings
from openami.protocols.dlms.service_context import HEADER, NotServed, ServiceContext
from openami.protocols.dlms.short_name import (
    BlockNumberAccess,
    DataBlock,
    ParameterizedAccess,
    ReadRequest,
    ReadResponse,
    UnconfirmedWriteRequest,
    VariableAccessSpecification,
    VariableName,
    WriteDataBlockAccess,
    WriteRequest,
    WriteResponse,
)
from openami.protocols.dlms.short_names import OBJECT_LIST, ShortNames
from openami.protocols.wire.declared import codec_of, decode_all

_NULL: Final = encode_data(null())


class ShortNameServices:
    """What one association with short names has under way; `room` octets of plain APDU fit into an answer."""

    __slots__ = ("_context", "_incoming", "_names", "_outgoing")

    def __init__(
        self, association: Association, device: LogicalDevice, settings: ServerSettings, room: int, names: ShortNames
    ) -> None:
        self._context = ServiceContext(association, device, settings, room)
        self._names = names
        self._outgoing: Slicer | None = None
        self._incoming: tuple[type, Collector] | None = None

    @property
    def room(self) -> int:
        """Octets of plain APDU that fit into an answer."""
        return self._context.room

    @room.setter
    def room(self, size: int) -> None:
        self._context.room = size

    def answer(self, apdu: Apdu, now: float) -> Apdu | None:
        """The response to `apdu`, None if it wants none; raises `NotServed` if it is no request. `now` is UTC."""
        match apdu:
            case ReadRequest():
                self._need(apdu, Conformance.READ)
                return self._answer_read(apdu, now)
            case WriteRequest():
                self._need(apdu, Conformance.WRITE)
                return WriteResponse(self._answer_write(apdu, now))
            case UnconfirmedWriteRequest():
                self._need(apdu, Conformance.UNCONFIRMED_WRITE)
                self._write_all(apdu, now)
                return None
            case _:
                raise NotServed(f"{apdu_name(apdu)} is not served with short names")

    def _need(self, apdu: ReadRequest | WriteRequest | UnconfirmedWriteRequest, needed: Conformance) -> None:
        wanted = apdu.variable_access_specification
        self._context.check_list(len(wanted))
        if len(wanted) > 1:
            needed |= Conformance.MULTIPLE_REFERENCES
        if any(isinstance(each, ParameterizedAccess) for each in wanted):
            needed |= Conformance.PARAMETERIZED_ACCESS
        if any(isinstance(each, WriteDataBlockAccess) for each in wanted):
            needed |= Conformance.BLOCK_TRANSFER_WITH_SET_OR_WRITE
        if any(isinstance(each, DataBlock) for each in wanted):
            needed |= Conformance.BLOCK_TRANSFER_WITH_GET_OR_READ
        if missing := needed & ~Conformance(self._context.association.conformance):
            raise NotServed(f"{apdu_name(apdu)}: {conformance_text(missing)} was not negotiated in this association")

    # Read

    def _answer_read(self, request: ReadRequest, now: float) -> Apdu:
        wanted = request.variable_access_specification
        if len(wanted) == 1 and isinstance(wanted[0], BlockNumberAccess):
            return self._next(wanted[0].block_number)
        self._outgoing = None
        if len(wanted) == 1 and isinstance(wanted[0], DataBlock):
            return self._read_in_blocks(wanted[0], now)
        return self._read_all(request, now)

    def _read_in_blocks(self, block: DataBlock, now: float) -> Apdu:
        refused = self._gather(ReadRequest, block.block_number, block.raw_data)
        if refused is not None:
            return ReadResponse((refused,))
        if not block.last_block:
            return ReadResponse((block.block_number,))
        request = decode_all(codec_of(ReadRequest), self._gathered())
        self._need(request, Conformance.READ)
        return self._read_all(request, now)

    def _read_all(self, request: ReadRequest, now: float) -> Apdu:
        wanted = request.variable_access_specification
        left = self._context.settings.response_bytes_max
        results: list[bytes | DataAccessResult] = []
        for each in wanted:
            result = self._read(each, now)
            left -= len(result) if isinstance(result, bytes) else 0
            results.append(result if left >= 0 else DataAccessResult.OTHER_REASON)
        response = ReadResponse(tuple(results))
        octets = encode_apdu(response)
        if len(octets) <= self.room:
            return response
        if not self._context.agreed(Conformance.BLOCK_TRANSFER_WITH_GET_OR_READ):
            return ReadResponse((DataAccessResult.OTHER_REASON,) * len(wanted))
        self._outgoing = Slicer(octets[1:], self.room - HEADER)
        return self._block(self._outgoing)

    def _read(self, wanted: VariableAccessSpecification, now: float) -> bytes | DataAccessResult:
        context, selection, argument = self._context, None, None
        if isinstance(wanted, ParameterizedAccess):
            selection, argument = SelectiveAccess(wanted.selector, wanted.parameter), wanted.parameter
        elif not isinstance(wanted, VariableName):
            return DataAccessResult.OBJECT_UNDEFINED
        if wanted.variable_name == OBJECT_LIST and selection is None:
            return self._names.object_list()
        found = self._names.find(wanted.variable_name)
        if isinstance(found, CosemAttributeDescriptor):
            return context.device.get(context.association, found, selection, now)
        if found is None or argument is None:
            return DataAccessResult.OBJECT_UNDEFINED
        result, returned = context.device.action(context.association, found, _parameter(argument), now)
        return _data_access(result) or (_NULL if returned is None else returned)

    def _block(self, outgoing: Slicer) -> Apdu:
        octets = outgoing.take()
        if outgoing.last:
            self._outgoing = None
        return ReadResponse((DataBlock(outgoing.last, outgoing.number, octets),))

    def _next(self, block_number: int) -> Apdu:
        outgoing = self._outgoing
        if outgoing is None:
            return ReadResponse((DataAccessResult.NO_LONG_GET_IN_PROGRESS,))
        if block_number != outgoing.number:
            self._outgoing = None
            return ReadResponse((DataAccessResult.DATA_BLOCK_NUMBER_INVALID,))
        return self._block(outgoing)

    # Requests in blocks

    def _gather(self, kind: type, number: int, octets: bytes) -> DataAccessResult | None:
        """Keep block `number` of a request of `kind`; why not if it is not the next one. Block 1 begins anew."""
        if number == 1:
            self._incoming = kind, Collector(self._context.settings.value_bytes_max)
        incoming, self._incoming = self._incoming, None
        if incoming is None or incoming[0] is not kind:
            return DataAccessResult.NO_LONG_SET_IN_PROGRESS
        if number != incoming[1].number + 1:
            return DataAccessResult.DATA_BLOCK_NUMBER_INVALID
        incoming[1].add(number, octets)
        self._incoming = incoming
        return None

    def _gathered(self) -> bytes:
        incoming, self._incoming = self._incoming, None
        return b"" if incoming is None else incoming[1].join()

    # Write

    def _answer_write(self, request: WriteRequest, now: float) -> tuple[DataAccessResult | int | None, ...]:
        wanted = request.variable_access_specification
        if len(wanted) != 1 or not isinstance(wanted[0], WriteDataBlockAccess):
            return self._write_all(request, now)
        self._context.check_list(len(wanted), len(request.list_of_data))
        block, piece = wanted[0], decode_data(request.list_of_data[0]).value
        if not isinstance(piece, bytes):
            return (DataAccessResult.TYPE_UNMATCHED,)
        refused = self._gather(WriteRequest, block.block_number, piece)
        if refused is not None:
            return (refused,)
        if not block.last_block:
            return (block.block_number,)
        whole = decode_all(codec_of(WriteRequest), self._gathered())
        self._need(whole, Conformance.WRITE)
        return self._write_all(whole, now)

    def _write_all(
        self, request: WriteRequest | UnconfirmedWriteRequest, now: float
    ) -> tuple[DataAccessResult | None, ...]:
        wanted, values = request.variable_access_specification, request.list_of_data
        self._context.check_list(len(wanted), len(values))
        return tuple(self._write(each, value, now) or None for each, value in zip(wanted, values, strict=True))

    def _write(self, wanted: VariableAccessSpecification, value: bytes, now: float) -> DataAccessResult:
        context, selection = self._context, None
        if isinstance(wanted, ParameterizedAccess):
            selection = SelectiveAccess(wanted.selector, wanted.parameter)
        elif not isinstance(wanted, VariableName):
            return DataAccessResult.OBJECT_UNDEFINED
        found = self._names.find(wanted.variable_name)
        if isinstance(found, CosemAttributeDescriptor):
            return context.device.set(context.association, found, selection, value, now)
        if not isinstance(found, CosemMethodDescriptor) or selection is not None:
            return DataAccessResult.OBJECT_UNDEFINED
        result, _ = context.device.action(context.association, found, _parameter(value), now)
        return _data_access(result)


def _parameter(octets: bytes) -> bytes | None:
    return None if octets == _NULL else octets


def _data_access(result: ActionResult) -> DataAccessResult:
    """The same answer in the words of Read and Write, whose numbers are those of ACTION where they mean the same."""
    try:
        same = DataAccessResult(int(result))
    except ValueError:
        return DataAccessResult.OTHER_REASON
    return same if same.name == result.name else DataAccessResult.OTHER_REASON
