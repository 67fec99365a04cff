"""ACTION: invoke methods. Parameters and return values stay undecoded Data octets."""

from __future__ import annotations

from typing import Annotated

from openami.protocols.dlms.access_result import ACTION_RESULT, ActionResult, DataAccessResult
from openami.protocols.dlms.axdr import optional, sequence_of
from openami.protocols.dlms.descriptor import CosemMethodDescriptor
from openami.protocols.dlms.get import GET_DATA_RESULT, GET_DATA_RESULT_TO_END
from openami.protocols.dlms.raw_data import RAW_DATA, RAW_DATA_TO_END
from openami.protocols.dlms.set import DataBlockSA
from openami.protocols.wire.declared import declared
from openami.protocols.wire.integers import UNSIGNED8, UNSIGNED32


@declared
class ActionRequestNormal:
    """Invoke one method."""

    invoke_id_and_priority: Annotated[int, UNSIGNED8]
    cosem_method_descriptor: CosemMethodDescriptor
    method_invocation_parameters: Annotated[bytes | None, optional(RAW_DATA_TO_END)] = None


@declared
class ActionRequestNextPblock:
    """Ask for the block of the response after `block_number`."""

    invoke_id_and_priority: Annotated[int, UNSIGNED8]
    block_number: Annotated[int, UNSIGNED32]


@declared
class ActionRequestWithList:
    """Invoke several methods: parameters for each descriptor, in its order."""

    invoke_id_and_priority: Annotated[int, UNSIGNED8]
    cosem_method_descriptor_list: Annotated[tuple[CosemMethodDescriptor, ...], sequence_of(CosemMethodDescriptor.CODEC)]
    method_invocation_parameters: Annotated[tuple[bytes, ...], sequence_of(RAW_DATA)]


@declared
class ActionRequestWithFirstPblock:
    """Begin to invoke one method whose parameters come in blocks."""

    invoke_id_and_priority: Annotated[int, UNSIGNED8]
    cosem_method_descriptor: CosemMethodDescriptor
    pblock: DataBlockSA


@declared
class ActionRequestWithListAndFirstPblock:
    """Begin to invoke several methods whose parameters come in blocks."""

    invoke_id_and_priority: Annotated[int, UNSIGNED8]
    cosem_method_descriptor_list: Annotated[tuple[CosemMethodDescriptor, ...], sequence_of(CosemMethodDescriptor.CODEC)]
    pblock: DataBlockSA


@declared
class ActionRequestWithPblock:
    """Go on sending parameters in blocks."""

    invoke_id_and_priority: Annotated[int, UNSIGNED8]
    pblock: DataBlockSA


@declared
class ActionResponseNormal:
    """What became of the method, and what it returned."""

    invoke_id_and_priority: Annotated[int, UNSIGNED8]
    result: Annotated[ActionResult, ACTION_RESULT]
    return_parameters: Annotated[bytes | DataAccessResult | None, optional(GET_DATA_RESULT_TO_END)] = None


@declared
class ActionResponseWithPblock:
    """One block of a long response."""

    invoke_id_and_priority: Annotated[int, UNSIGNED8]
    pblock: DataBlockSA


@declared
class ActionResponseWithOptionalData:
    """What became of one method of a list, and what it returned."""

    result: Annotated[ActionResult, ACTION_RESULT]
    return_parameters: Annotated[bytes | DataAccessResult | None, optional(GET_DATA_RESULT)] = None


@declared
class ActionResponseWithList:
    """One response for each method of the request, in its order."""

    invoke_id_and_priority: Annotated[int, UNSIGNED8]
    list_of_responses: Annotated[
        tuple[ActionResponseWithOptionalData, ...], sequence_of(ActionResponseWithOptionalData.CODEC)
    ]


@declared
class ActionResponseNextPblock:
    """Block `block_number` of the parameters has arrived; go on."""

    invoke_id_and_priority: Annotated[int, UNSIGNED8]
    block_number: Annotated[int, UNSIGNED32]
