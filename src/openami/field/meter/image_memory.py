"""Where the meter collects an image block by block, and what it does with it. It survives power failures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from openami.field.meter.agenda import NEVER
from openami.field.meter.firmware import IMAGE_BYTES_MAX, FirmwareImage, read_image
from openami.model.errors import RemoteProtocolError
from openami.model.event import EventCode
from openami.protocols.dlms.access_result import ActionResult
from openami.protocols.dlms.cosem.image_transfer import ImageTransferInitiate, ImageTransferStatus
from openami.protocols.dlms.cosem.refusal import ActionRefused

if TYPE_CHECKING:
    from openami.field.meter.electricity import ElectricityMeter

_RECEIVING: Final = frozenset({ImageTransferStatus.INITIATED, ImageTransferStatus.VERIFICATION_FAILED})


class ImageMemory:
    """One image at a time, at most 4 MiB. As a function of the meter it acts when an activation is done.

    Blocks come in any order and as often as they like.
    """

    __slots__ = ("_arrived", "_blocks", "_meter", "_octets", "due", "enabled", "identifier", "image", "status")

    def __init__(self, meter: ElectricityMeter) -> None:
        self._meter = meter
        self._octets = bytearray()
        self._arrived = bytearray()
        self._blocks = 0
        self.due = NEVER
        self.enabled = True
        self.identifier = b""
        self.image: FirmwareImage | None = None
        """What verification found."""
        self.status = ImageTransferStatus.NOT_INITIATED

    @property
    def block_size(self) -> int:
        """Octets of every block but perhaps the last."""
        return self._meter.config.image_block_size

    @property
    def size(self) -> int:
        """Octets of the image that is being transferred."""
        return len(self._octets)

    @property
    def bitmap(self) -> str:
        """A character 0 or 1 for each block."""
        return self._arrived.decode("ascii")

    @property
    def first_missing(self) -> int:
        """The number of the first block that has not arrived; the number of blocks if all have."""
        place = self._arrived.find(b"0")
        return self._blocks if place < 0 else place

    def initiate(self, wanted: ImageTransferInitiate) -> None:
        """Forget what was there and make room for a new image; raises `ActionRefused`."""
        self._refuse_unless(enabled=self.enabled, idle=self.status is not ImageTransferStatus.ACTIVATION_INITIATED)
        if not 1 <= wanted.image_size <= IMAGE_BYTES_MAX:
            raise ActionRefused(ActionResult.OTHER_REASON)
        self.identifier = wanted.image_identifier
        self.image = None
        self._octets = bytearray(wanted.image_size)
        self._blocks = -(-wanted.image_size // self.block_size)
        self._arrived = bytearray(b"0" * self._blocks)
        self.status = ImageTransferStatus.INITIATED

    def take(self, number: int, octets: bytes) -> None:
        """Keep a block; raises `ActionRefused` if it cannot belong to the image."""
        self._refuse_unless(enabled=self.enabled, receiving=self.status in _RECEIVING)
        start = number * self.block_size
        if number >= self._blocks or len(octets) != min(self.block_size, self.size - start):
            raise ActionRefused(ActionResult.OTHER_REASON)
        self._octets[start : start + len(octets)] = octets
        self._arrived[number] = ord("1")
        self.status = ImageTransferStatus.INITIATED

    def verify(self, now: float) -> None:
        """Check that the image is whole, unharmed and, where the meter has a maker's key, signed."""
        self._refuse_unless(enabled=self.enabled, begun=self._blocks > 0)
        if self.status is ImageTransferStatus.VERIFICATION_SUCCESSFUL:
            return
        self._refuse_unless(receiving=self.status in _RECEIVING, complete=self.first_missing == self._blocks)
        try:
            self.image = read_image(bytes(self._octets), self._meter.config.firmware_key)
        except RemoteProtocolError:
            self.status = ImageTransferStatus.VERIFICATION_FAILED
            self._arrived = bytearray(b"0" * self._blocks)
            self._meter.log(EventCode.FIRMWARE_VERIFICATION_FAILED, now)
            raise ActionRefused(ActionResult.OTHER_REASON) from None
        self.status = ImageTransferStatus.VERIFICATION_SUCCESSFUL
        self._meter.log(EventCode.FIRMWARE_READY_FOR_ACTIVATION, now)

    def activate(self, now: float) -> None:
        """Begin to run the verified image; it is done `firmware_activation_s` later."""
        self._refuse_unless(enabled=self.enabled, verified=self.status is ImageTransferStatus.VERIFICATION_SUCCESSFUL)
        self.status = ImageTransferStatus.ACTIVATION_INITIATED
        self.due = self._meter.clock.reading(now) + self._meter.config.firmware_activation_s

    def act(self, second: float) -> None:
        """The activation is done: the meter runs what it was sent."""
        self.due = NEVER
        if self.image is not None:
            self._meter.firmware = self.image
            self.status = ImageTransferStatus.ACTIVATION_SUCCESSFUL
            self._octets, self._arrived, self._blocks = bytearray(), bytearray(), 0
            self._meter.log(EventCode.FIRMWARE_ACTIVATED, self._meter.now)

    def plan(self, second: float) -> None:
        """An activation under way is done at the latest when it would have been by the new time."""
        self.due = min(self.due, second + self._meter.config.firmware_activation_s) if self.due < NEVER else NEVER

    @staticmethod
    def _refuse_unless(**conditions: bool) -> None:
        if not all(conditions.values()):
            raise ActionRefused(ActionResult.OTHER_REASON)
