"""SET: write attributes. Values stay undecoded Data octets."""

from __future__ import annotations

from typing import Annotated

from openami.protocols.dlms.access_result import DATA_ACCESS_RESULT, DataAccessResult
from openami.protocols.dlms.axdr import BOOLEAN, OCTET_STRING, optional, sequence_of
from openami.protocols.dlms.descriptor import (
    CosemAttributeDescriptor,
    CosemAttributeDescriptorWithSelection,
    SelectiveAccess,
)
from openami.protocols.dlms.raw_data import RAW_DATA, RAW_DATA_TO_END
from openami.protocols.wire.declared import declared
from openami.protocols.wire.integers import UNSIGNED8, UNSIGNED32


@declared
class DataBlockSA:
    """A piece of a long value of SET or ACTION: the octets of all blocks together are what would have stood there."""

    last_block: Annotated[bool, BOOLEAN]
    block_number: Annotated[int, UNSIGNED32]
    raw_data: Annotated[bytes, OCTET_STRING]


@declared
class SetRequestNormal:
    """Write one attribute."""

    invoke_id_and_priority: Annotated[int, UNSIGNED8]
    cosem_attribute_descriptor: CosemAttributeDescriptor
    access_selection: Annotated[SelectiveAccess | None, optional(SelectiveAccess.CODEC)]
    value: Annotated[bytes, RAW_DATA_TO_END]


@declared
class SetRequestWithFirstDatablock:
    """Begin to write one attribute in blocks."""

    invoke_id_and_priority: Annotated[int, UNSIGNED8]
    cosem_attribute_descriptor: CosemAttributeDescriptor
    access_selection: Annotated[SelectiveAccess | None, optional(SelectiveAccess.CODEC)]
    datablock: DataBlockSA


@declared
class SetRequestWithDatablock:
    """Go on writing in blocks."""

    invoke_id_and_priority: Annotated[int, UNSIGNED8]
    datablock: DataBlockSA


@declared
class SetRequestWithList:
    """Write several attributes: one value for each descriptor, in its order."""

    invoke_id_and_priority: Annotated[int, UNSIGNED8]
    attribute_descriptor_list: Annotated[
        tuple[CosemAttributeDescriptorWithSelection, ...], sequence_of(CosemAttributeDescriptorWithSelection.CODEC)
    ]
    value_list: Annotated[tuple[bytes, ...], sequence_of(RAW_DATA)]


@declared
class SetRequestWithListAndFirstDatablock:
    """Begin to write several attributes in blocks; the blocks together are the value list."""

    invoke_id_and_priority: Annotated[int, UNSIGNED8]
    attribute_descriptor_list: Annotated[
        tuple[CosemAttributeDescriptorWithSelection, ...], sequence_of(CosemAttributeDescriptorWithSelection.CODEC)
    ]
    datablock: DataBlockSA


@declared
class SetResponseNormal:
    """Whether the attribute was written."""

    invoke_id_and_priority: Annotated[int, UNSIGNED8]
    result: Annotated[DataAccessResult, DATA_ACCESS_RESULT]


@declared
class SetResponseDatablock:
    """Block `block_number` has arrived; go on."""

    invoke_id_and_priority: Annotated[int, UNSIGNED8]
    block_number: Annotated[int, UNSIGNED32]


@declared
class SetResponseLastDatablock:
    """The last block has arrived: whether the attribute was written."""

    invoke_id_and_priority: Annotated[int, UNSIGNED8]
    result: Annotated[DataAccessResult, DATA_ACCESS_RESULT]
    block_number: Annotated[int, UNSIGNED32]


@declared
class SetResponseLastDatablockWithList:
    """The last block of a list has arrived: whether each attribute was written."""

    invoke_id_and_priority: Annotated[int, UNSIGNED8]
    result: Annotated[tuple[DataAccessResult, ...], sequence_of(DATA_ACCESS_RESULT)]
    block_number: Annotated[int, UNSIGNED32]


@declared
class SetResponseWithList:
    """Whether each attribute of the list was written, in its order."""

    invoke_id_and_priority: Annotated[int, UNSIGNED8]
    result: Annotated[tuple[DataAccessResult, ...], sequence_of(DATA_ACCESS_RESULT)]
