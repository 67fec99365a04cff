"""Image transfer, the client's side: start or resume, send what is missing, verify, activate.

The steps follow the interface class Image transfer as public implementations and companion specifications use it;
the book was not at hand. Blocks may also have come by broadcast: a transfer that has begun is completed by its
bitmap, whoever sent the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from openami.model.errors import ServiceError, SettingError
from openami.model.obis import ObisCode
from openami.protocols.dlms.access_result import ActionResult
from openami.protocols.dlms.action import ActionRequestNormal
from openami.protocols.dlms.apdu import encode_apdu
from openami.protocols.dlms.cosem.image_transfer import (
    ImageBlockTransfer,
    ImageToActivateInfo,
    ImageTransfer,
    ImageTransferInitiate,
    ImageTransferStatus,
)
from openami.protocols.dlms.data import encode_data
from openami.protocols.dlms.descriptor import CosemMethodDescriptor
from openami.protocols.dlms.invoke_id import invoke_id_and_priority
from openami.protocols.dlms.procedure import Pause, Procedure, invoke, read

IMAGE_TRANSFER: Final = ObisCode(0, 0, 44, 0, 0)
BLOCK_SIZE_MAX: Final = 1 << 16
_DONE: Final = frozenset({ActionResult.SUCCESS, ActionResult.TEMPORARY_FAILURE})
_RESUMABLE: Final = frozenset({ImageTransferStatus.INITIATED, ImageTransferStatus.VERIFICATION_FAILED})


class ImageTransferFailed(ServiceError):
    """The server did not take the image; the message says which step failed and what it answered."""


@dataclass(frozen=True, slots=True)
class ImagePlan:
    """What is to be transferred, and how patiently.

    `identifier` is what the server is told at the start. With `begun` a transfer of the same image was started
    before, by us or by broadcast, and is resumed if the server still knows it. Without `activate` the procedure ends
    when the server has verified the image. `rounds` is how often missing blocks are asked for and sent again.
    """

    identifier: bytes
    image: bytes
    logical_name: ObisCode = IMAGE_TRANSFER
    begun: bool = False
    activate: bool = True
    rounds: int = 3
    poll_s: float = 5.0
    polls_max: int = 60

    def __post_init__(self) -> None:
        if not self.image:
            raise SettingError("image is empty: there is nothing to transfer")
        if not 1 <= len(self.identifier) <= 255:
            raise SettingError(f"identifier has {len(self.identifier)} bytes, must be 1 to 255")


@dataclass(frozen=True, slots=True)
class ImageTransferred:
    """How it ended: `blocks_sent` by this procedure of `blocks` in all, and what the server found in the image."""

    status: ImageTransferStatus
    blocks: int
    blocks_sent: int
    info: tuple[ImageToActivateInfo, ...]


def transfer_image(
    plan: ImagePlan, progress: Callable[[int, int], None] = lambda _sent, _missing: None
) -> Procedure[ImageTransferred]:
    """Bring `plan.image` into a server. `progress` hears, after each block, how many were sent of how many missing.

    Raises `ImageTransferFailed`, `DataAccessError`; a link that breaks in between costs nothing but the blocks on
    their way: begin again with `begun=True`.
    """
    name = plan.logical_name
    if not (yield from read(ImageTransfer.image_transfer_enabled, name)):
        raise ImageTransferFailed("image transfer is not enabled in this server (image_transfer_enabled is false)")
    size = yield from read(ImageTransfer.image_block_size, name)
    if not 1 <= size <= BLOCK_SIZE_MAX:
        raise ImageTransferFailed(f"the server's image_block_size is {size}, must be 1 to {BLOCK_SIZE_MAX}")
    blocks = block_count(plan.image, size)
    sent = 0
    if not (plan.begun and (yield from _goes_on(plan, blocks))):
        started = ImageTransferInitiate(plan.identifier, len(plan.image))
        _expect("image_transfer_initiate", (yield from invoke(ImageTransfer.image_transfer_initiate, name, started)))
    status = yield from read(ImageTransfer.image_transfer_status, name)
    if status is not ImageTransferStatus.VERIFICATION_SUCCESSFUL:
        sent = yield from _send_missing(plan, size, blocks, progress)
        status = yield from _verify(plan)
    info = yield from read(ImageTransfer.image_to_activate_info, name)
    if plan.activate:
        status = yield from _activate(plan)
    return ImageTransferred(status, blocks, sent, info)


def block_count(image: bytes, size: int) -> int:
    """How many blocks of `size` octets an image has."""
    return -(-len(image) // size)


def broadcast_blocks(plan: ImagePlan, size: int) -> Iterator[bytes]:
    """The blocks of an image as plain unconfirmed ACTION requests, to be sealed with the broadcast key and sent to all.

    Nobody answers them; what a server has missed, `transfer_image` with `begun` brings later.
    """
    method = ImageTransfer.image_block_transfer
    descriptor = CosemMethodDescriptor(method.class_id, plan.logical_name, method.method_id)
    for number in range(block_count(plan.image, size)):
        argument = encode_data(method.parameter.to_data(_block(plan.image, number, size)))
        unconfirmed = invoke_id_and_priority(number, confirmed=False)
        yield encode_apdu(ActionRequestNormal(unconfirmed, descriptor, argument))


def _block(image: bytes, number: int, size: int) -> ImageBlockTransfer:
    return ImageBlockTransfer(number, image[number * size : (number + 1) * size])


def _goes_on(plan: ImagePlan, blocks: int) -> Procedure[bool]:
    """Whether the server is in a transfer of as many blocks, or has verified just this image."""
    status = yield from read(ImageTransfer.image_transfer_status, plan.logical_name)
    if status is ImageTransferStatus.VERIFICATION_SUCCESSFUL:
        info = yield from read(ImageTransfer.image_to_activate_info, plan.logical_name)
        return any(one.image_to_activate_size == len(plan.image) for one in info)
    if status not in _RESUMABLE:
        return False
    bitmap = yield from read(ImageTransfer.image_transferred_blocks_status, plan.logical_name)
    return len(bitmap) == blocks


def _missing(plan: ImagePlan, blocks: int) -> Procedure[list[int]]:
    bitmap = yield from read(ImageTransfer.image_transferred_blocks_status, plan.logical_name)
    if len(bitmap) < blocks:
        raise ImageTransferFailed(f"the server's bitmap has {len(bitmap)} bits, the image {blocks} blocks")
    return [number for number in range(blocks) if bitmap[number] == "0"]


def _send_missing(plan: ImagePlan, size: int, blocks: int, progress: Callable[[int, int], None]) -> Procedure[int]:
    sent = 0
    for _ in range(plan.rounds):
        missing = yield from _missing(plan, blocks)
        if not missing:
            return sent
        for place, number in enumerate(missing, start=1):
            block = _block(plan.image, number, size)
            result = yield from invoke(ImageTransfer.image_block_transfer, plan.logical_name, block)
            if result not in _DONE:
                raise ImageTransferFailed(f"block {number} of {blocks} was refused: {_text(result)}")
            sent += 1
            progress(place, len(missing))
    missing = yield from _missing(plan, blocks)
    if missing:
        raise ImageTransferFailed(f"{len(missing)} of {blocks} blocks are missing after {plan.rounds} rounds")
    return sent


def _verify(plan: ImagePlan) -> Procedure[ImageTransferStatus]:
    _expect("image_verify", (yield from invoke(ImageTransfer.image_verify, plan.logical_name, 0)))
    wanted, pending = ImageTransferStatus.VERIFICATION_SUCCESSFUL, ImageTransferStatus.VERIFICATION_INITIATED
    return (yield from _until(plan, wanted, pending))


def _activate(plan: ImagePlan) -> Procedure[ImageTransferStatus]:
    _expect("image_activate", (yield from invoke(ImageTransfer.image_activate, plan.logical_name, 0)))
    wanted, pending = ImageTransferStatus.ACTIVATION_SUCCESSFUL, ImageTransferStatus.ACTIVATION_INITIATED
    return (yield from _until(plan, wanted, pending))


def _until(
    plan: ImagePlan, wanted: ImageTransferStatus, pending: ImageTransferStatus
) -> Procedure[ImageTransferStatus]:
    """Ask until the server has come to `wanted`; it may take its time in `pending`."""
    for _ in range(plan.polls_max):
        status = yield from read(ImageTransfer.image_transfer_status, plan.logical_name)
        if status is wanted:
            return status
        if status is not pending:
            raise ImageTransferFailed(f"image_transfer_status is {_text(status)}, expected {_text(wanted)}")
        yield Pause(plan.poll_s)
    raise ImageTransferFailed(f"image_transfer_status is {_text(pending)} after {plan.polls_max * plan.poll_s:g} s")


def _expect(step: str, result: ActionResult) -> None:
    if result not in _DONE:
        raise ImageTransferFailed(f"{step} was refused: {_text(result)}")


def _text(value: ActionResult | ImageTransferStatus) -> str:
    return value.name.lower().replace("_", " ")
