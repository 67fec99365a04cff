"""Interface class Image transfer (class_id 18, version 0): firmware and other images, block by block.

Source: public implementations and lists, counted beside the peer stack; no edition of the book was at hand.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated

from openami.protocols.dlms.cosem.attribute import Attribute, Method
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.types import (
    BIT_STRING,
    BOOLEAN,
    DOUBLE_LONG_UNSIGNED,
    INTEGER,
    OCTET_STRING,
    array_of,
    cosem_structure,
    enum_of,
    structure_type,
)


class ImageTransferStatus(IntEnum):
    """image_transfer_status."""

    NOT_INITIATED = 0
    INITIATED = 1
    VERIFICATION_INITIATED = 2
    VERIFICATION_SUCCESSFUL = 3
    VERIFICATION_FAILED = 4
    ACTIVATION_INITIATED = 5
    ACTIVATION_SUCCESSFUL = 6
    ACTIVATION_FAILED = 7


@cosem_structure
class ImageToActivateInfo:
    """image_to_activate_info_element: what an image that was transferred contains."""

    image_to_activate_size: Annotated[int, DOUBLE_LONG_UNSIGNED]
    image_to_activate_identification: Annotated[bytes, OCTET_STRING]
    image_to_activate_signature: Annotated[bytes, OCTET_STRING]


@cosem_structure
class ImageTransferInitiate:
    """The parameter of `image_transfer_initiate`; the size is in octets."""

    image_identifier: Annotated[bytes, OCTET_STRING]
    image_size: Annotated[int, DOUBLE_LONG_UNSIGNED]


@cosem_structure
class ImageBlockTransfer:
    """The parameter of `image_block_transfer`; blocks count from 0, and only the last may be shorter."""

    image_block_number: Annotated[int, DOUBLE_LONG_UNSIGNED]
    image_block_value: Annotated[bytes, OCTET_STRING]


class ImageTransfer(InterfaceClass, class_id=18, version=0):
    """`image_transferred_blocks_status` has a bit for each block, 1 where it has arrived, block 0 first.

    `image_first_not_transferred_block_number` is the number of blocks when all have arrived.
    """

    __slots__ = ()

    image_block_size = Attribute(2, DOUBLE_LONG_UNSIGNED, static=True)
    image_transferred_blocks_status = Attribute(3, BIT_STRING)
    image_first_not_transferred_block_number = Attribute(4, DOUBLE_LONG_UNSIGNED)
    image_transfer_enabled = Attribute(5, BOOLEAN, static=True)
    image_transfer_status = Attribute(6, enum_of(ImageTransferStatus))
    image_to_activate_info = Attribute(7, array_of(structure_type(ImageToActivateInfo)))

    image_transfer_initiate = Method(1, structure_type(ImageTransferInitiate))
    image_block_transfer = Method(2, structure_type(ImageBlockTransfer))
    image_verify = Method(3, INTEGER)
    image_activate = Method(4, INTEGER)
