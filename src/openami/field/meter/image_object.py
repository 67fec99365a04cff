"""The meter's image memory as a COSEM object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from openami.field.meter import codes
from openami.field.meter.image_memory import ImageMemory
from openami.protocols.dlms.cosem.image_transfer import ImageToActivateInfo, ImageTransfer

if TYPE_CHECKING:
    from openami.field.meter.electricity import ElectricityMeter


def image_transfer_object(meter: ElectricityMeter) -> ImageTransfer:
    """Class Image transfer at 0-0:44.0.0*255."""
    image = meter.image
    item = ImageTransfer(codes.IMAGE_TRANSFER, image_block_size=image.block_size)
    item.bind(ImageTransfer.image_transferred_blocks_status, lambda _now: image.bitmap)
    item.bind(ImageTransfer.image_first_not_transferred_block_number, lambda _now: image.first_missing)
    item.bind(ImageTransfer.image_transfer_enabled, lambda _now: image.enabled, lambda on, _: _enable(image, on))
    item.bind(ImageTransfer.image_transfer_status, lambda _now: image.status)
    item.bind(ImageTransfer.image_to_activate_info, lambda _now: _info(image))
    item.handle(ImageTransfer.image_transfer_initiate, lambda wanted, _: image.initiate(wanted))
    item.handle(
        ImageTransfer.image_block_transfer,
        lambda block, _: image.take(block.image_block_number, block.image_block_value),
    )
    item.handle(ImageTransfer.image_verify, lambda _, now: image.verify(now))
    item.handle(ImageTransfer.image_activate, lambda _, now: image.activate(now))
    return item


def _enable(image: ImageMemory, on: bool) -> None:
    image.enabled = on


def _info(image: ImageMemory) -> tuple[ImageToActivateInfo, ...]:
    if image.image is None:
        return ()
    signature = image.image.signature or image.image.digest
    return (ImageToActivateInfo(image.size or len(bytes(image.image)), image.image.identification, signature),)
