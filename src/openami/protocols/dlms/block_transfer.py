"""General block transfer: one side's part in carrying APDUs of any length in blocks, windows at a time.

The sides take turns. A stream of blocks ends with one that is not `streaming`, which hands the turn over; its
answer tells the last block that has arrived without a gap, and whatever came behind a gap is sent again. An empty
block only acknowledges. The client alone keeps time: when nothing comes it takes its turn again.
"""

from __future__ import annotations

from openami.model.errors import LimitExceeded, LocalProtocolError, RemoteProtocolError
from openami.protocols.dlms.general_block_transfer import (
    BLOCK_NUMBER_MAX,
    HEADER_SIZE,
    WINDOW_MAX,
    GeneralBlockTransfer,
    block_control,
)


class BlockTransfer:
    """`pdu_max` octets fit into an APDU to the peer; at most `limit` octets of its APDUs are gathered.

    `serving` tells the side that answers: its empty blocks are not the last ones, since its answer is still to
    come. `protected` tells that no two requests have the same octets, so that the same ones are a repetition.
    """

    __slots__ = (
        "_acknowledged",
        "_answer_due",
        "_broken",
        "_first",
        "_last",
        "_message",
        "_opening",
        "_parts",
        "_peer_window",
        "_protected",
        "_received",
        "_sent",
        "_serving",
        "_size",
        "_window",
        "gathered",
        "limit",
        "pdu_max",
    )

    def __init__(self, pdu_max: int, *, window: int, limit: int, serving: bool, protected: bool) -> None:
        self.pdu_max = pdu_max
        self.limit = limit
        self.gathered = 0
        """Octets of the APDU that is being gathered."""
        self._size = max(1, pdu_max - HEADER_SIZE)
        self._window = min(max(window, 1), WINDOW_MAX)
        self._serving = serving
        self._protected = protected
        self.restart()

    def restart(self) -> None:
        """Both sides begin anew with block 1, as with every new request.

        The first turn has one block: the peer's window is not known, and a lost one leaves no others behind that could
        be taken for those of the request before.
        """
        self._peer_window = 1
        self._message = b""
        self._parts: list[bytes] = []
        self._opening = b""
        self._answer_due = self._broken = False
        self._first = self._last = self._sent = self._acknowledged = self._received = self.gathered = 0

    @property
    def sending(self) -> bool:
        """Whether blocks of ours have not been acknowledged."""
        return self._acknowledged < self._last

    @property
    def progress(self) -> tuple[int, int]:
        """What has arrived on both sides; as long as it grows, the transfer goes on."""
        return self._received, self._acknowledged

    def carries(self, apdu: bytes) -> bool:
        """Whether `apdu` has to leave in blocks: it does not fit, or it answers what came in blocks."""
        return self._answer_due or len(apdu) > self.pdu_max

    # Sending

    def send(self, apdu: bytes) -> list[GeneralBlockTransfer]:
        """Begin to send `apdu`; the blocks of the first turn."""
        count = -(-len(apdu) // self._size)
        self._check_count(self._sent + count)
        self._message = apdu
        self._first = self._sent + 1
        self._last = self._sent + count
        self._answer_due = False
        return self.turn()

    def unanswered(self, apdu: bytes) -> list[GeneralBlockTransfer]:
        """All blocks of an APDU that nobody acknowledges: one stream, and no window for answers."""
        pieces = [apdu[at : at + self._size] for at in range(0, len(apdu), self._size)]
        self._check_count(len(pieces))
        return [
            GeneralBlockTransfer(
                block_control(0, last_block=number == len(pieces), streaming=number < len(pieces)), number, 0, piece
            )
            for number, piece in enumerate(pieces, 1)
        ]

    def turn(self) -> list[GeneralBlockTransfer]:
        """What to send in this turn: the unacknowledged as far as the peer's window goes, or an empty block."""
        if self.sending:
            end = min(self._last, self._acknowledged + self._peer_window)
            return [self._block(number, end) for number in range(self._acknowledged + 1, end + 1)]
        if self._answer_due:
            return []
        return [self._empty()]

    def _empty(self) -> GeneralBlockTransfer:
        number = self._acknowledged + 1
        self._check_count(number)
        self._sent = max(self._sent, number)
        control = block_control(self._window, last_block=not self._serving, streaming=False)
        return GeneralBlockTransfer(control, number, self._received, b"")

    def _block(self, number: int, end: int) -> GeneralBlockTransfer:
        """Number `number`: a piece of the message, or an empty block before it that was perhaps lost."""
        self._sent = max(self._sent, number)
        start = (number - self._first) * self._size
        piece = self._message[start : start + self._size] if start >= 0 else b""
        control = block_control(self._window, last_block=number == self._last, streaming=number < end)
        return GeneralBlockTransfer(control, number, self._received, piece)

    @staticmethod
    def _check_count(number: int) -> None:
        if number > BLOCK_NUMBER_MAX:
            raise LocalProtocolError(f"an APDU of more than {BLOCK_NUMBER_MAX} blocks cannot be sent")

    # Receiving

    def take(self, block: GeneralBlockTransfer) -> bytes | None:
        """The APDU that `block` completes, if it does; raises `RemoteProtocolError` for what cannot be.

        Otherwise see `turn_due`.
        """
        opens = block.block_number == 1 and not block.block_number_ack and bool(block.block_data)
        if opens and (self._serving or not block.window) and not self._is_repeated(block):
            self.restart()
        if self._broken:
            return None
        self._peer_window = block.window or self._peer_window
        self._acknowledge(block.block_number_ack)
        if block.block_number != self._received + 1:
            return None
        self._received = block.block_number
        return self._gather(block)

    def turn_due(self, block: GeneralBlockTransfer) -> bool:
        """Whether `block`, which was taken, hands the turn over to us."""
        if self._broken or block.streaming or not block.window:
            return False
        return bool(block.block_data) or self.sending

    def acknowledged(self) -> list[GeneralBlockTransfer]:
        """What came whole in blocks has no answer: at least say that it came."""
        due, self._answer_due = self._answer_due, False
        return self.turn() if due else []

    def _is_repeated(self, block: GeneralBlockTransfer) -> bool:
        return self._protected and block.block_data == self._opening

    def _acknowledge(self, number: int) -> None:
        if number > self._sent:
            raise RemoteProtocolError(f"block {number} was acknowledged where block {self._sent} was sent last")
        self._acknowledged = max(self._acknowledged, number)

    def _gather(self, block: GeneralBlockTransfer) -> bytes | None:
        self.gathered += len(block.block_data)
        if self.gathered > self.limit:
            gathered = self.gathered
            self.restart()
            self._broken = True  # what follows belongs to an APDU that is refused already
            raise LimitExceeded(f"APDU in blocks has more than {self.limit} bytes", gathered)
        if block.block_data:
            self._parts.append(block.block_data)
        if not block.last_block or not self._parts:
            return None
        self._opening = self._parts[0]
        whole = b"".join(self._parts)
        self._parts = []
        self.gathered = 0
        self._answer_due = self._serving and block.window > 0
        return whole
