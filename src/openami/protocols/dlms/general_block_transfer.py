"""GeneralBlockTransfer: a piece of any APDU, protected or not, with what has arrived from the other side.

The fields and the bits of the block control are those of open descriptions of the Green Book and of another
implementation (the clauses were not at hand).
"""

from __future__ import annotations

from typing import Annotated, Final

from openami.protocols.dlms.axdr import OCTET_STRING
from openami.protocols.wire.declared import declared
from openami.protocols.wire.integers import UNSIGNED8, UNSIGNED16

WINDOW_MAX: Final = 63
BLOCK_NUMBER_MAX: Final = 0xFFFF
HEADER_SIZE: Final = 9
"""More than stands before the block data: tag, control, two numbers, a length of at most three octets."""
_LAST_BLOCK: Final = 0x80
_STREAMING: Final = 0x40


@declared
class GeneralBlockTransfer:
    """Block `block_number` of the sender, which has everything of its peer up to block `block_number_ack`."""

    block_control: Annotated[int, UNSIGNED8]
    block_number: Annotated[int, UNSIGNED16]
    block_number_ack: Annotated[int, UNSIGNED16]
    block_data: Annotated[bytes, OCTET_STRING]

    @property
    def last_block(self) -> bool:
        """Whether the sender's APDU ends with this block."""
        return bool(self.block_control & _LAST_BLOCK)

    @property
    def streaming(self) -> bool:
        """Whether more blocks follow at once, before the peer's turn."""
        return bool(self.block_control & _STREAMING)

    @property
    def window(self) -> int:
        """How many blocks the sender takes in one stream; 0 if it takes none and no answer is wanted."""
        return self.block_control & WINDOW_MAX


def block_control(window: int, *, last_block: bool, streaming: bool) -> int:
    """The block control of these three."""
    return window | (_LAST_BLOCK if last_block else 0) | (_STREAMING if streaming else 0)
