"""GET: read attributes. Values stay undecoded Data octets; a refusal is a `DataAccessResult`."""

from __future__ import annotations

from typing import Annotated, Final

from openami.protocols.dlms.access_result import DATA_ACCESS_RESULT, DataAccessResult
from openami.protocols.dlms.axdr import BOOLEAN, OCTET_STRING, choice, optional, sequence_of
from openami.protocols.dlms.descriptor import (
    CosemAttributeDescriptor,
    CosemAttributeDescriptorWithSelection,
    SelectiveAccess,
)
from openami.protocols.dlms.raw_data import RAW_DATA, RAW_DATA_TO_END
from openami.protocols.wire.declared import declared
from openami.protocols.wire.integers import UNSIGNED8, UNSIGNED32

GET_DATA_RESULT: Final = choice("get-data-result", {0: (bytes, RAW_DATA), 1: (DataAccessResult, DATA_ACCESS_RESULT)})
GET_DATA_RESULT_TO_END: Final = choice(
    "get-data-result", {0: (bytes, RAW_DATA_TO_END), 1: (DataAccessResult, DATA_ACCESS_RESULT)}
)
_BLOCK_RESULT: Final = choice("result", {0: (bytes, OCTET_STRING), 1: (DataAccessResult, DATA_ACCESS_RESULT)})


@declared
class GetRequestNormal:
    """Read one attribute, or the part of it that `access_selection` says."""

    invoke_id_and_priority: Annotated[int, UNSIGNED8]
    cosem_attribute_descriptor: CosemAttributeDescriptor
    access_selection: Annotated[SelectiveAccess | None, optional(SelectiveAccess.CODEC)] = None


@declared
class GetRequestNext:
    """Ask for the block after `block_number`."""

    invoke_id_and_priority: Annotated[int, UNSIGNED8]
    block_number: Annotated[int, UNSIGNED32]


@declared
class GetRequestWithList:
    """Read several attributes."""

    invoke_id_and_priority: Annotated[int, UNSIGNED8]
    attribute_descriptor_list: Annotated[
        tuple[CosemAttributeDescriptorWithSelection, ...], sequence_of(CosemAttributeDescriptorWithSelection.CODEC)
    ]


@declared
class GetResponseNormal:
    """The value as undecoded Data, or why not."""

    invoke_id_and_priority: Annotated[int, UNSIGNED8]
    result: Annotated[bytes | DataAccessResult, GET_DATA_RESULT_TO_END]


@declared
class DataBlockG:
    """A piece of a long response: the octets of all blocks together are one Data (or a list of results)."""

    last_block: Annotated[bool, BOOLEAN]
    block_number: Annotated[int, UNSIGNED32]
    result: Annotated[bytes | DataAccessResult, _BLOCK_RESULT]


@declared
class GetResponseWithDatablock:
    """One block of a long response."""

    invoke_id_and_priority: Annotated[int, UNSIGNED8]
    result: DataBlockG


@declared
class GetResponseWithList:
    """One result for each attribute of the request, in its order."""

    invoke_id_and_priority: Annotated[int, UNSIGNED8]
    result: Annotated[tuple[bytes | DataAccessResult, ...], sequence_of(GET_DATA_RESULT)]
