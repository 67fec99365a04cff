"""What leaves a client and what comes to it: protected as was agreed, with counters that are durable beforehand."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, TypeAlias

from openami.model.errors import LocalProtocolError, RemoteProtocolError
from openami.protocols.dlms.access import LongInvokeId
from openami.protocols.dlms.apdu import Apdu, decode_apdu, encode_apdu
from openami.protocols.dlms.block_transfer import BlockTransfer
from openami.protocols.dlms.client_request import RequestUnderWay
from openami.protocols.dlms.client_settings import ClientSettings
from openami.protocols.dlms.counters import CountersExhausted, Persist, ReceiveWindow, SendCounter
from openami.protocols.dlms.events import Answered, Notified
from openami.protocols.dlms.framing import Framing
from openami.protocols.dlms.general_block_transfer import GeneralBlockTransfer
from openami.protocols.dlms.information_report import InformationReportRequest
from openami.protocols.dlms.notification import DataNotification, DataNotificationConfirm, EventNotificationRequest
from openami.protocols.dlms.protected_tags import GENERAL_BLOCK_TRANSFER, check_protected
from openami.protocols.dlms.secure_channel import SecureChannel

Notification: TypeAlias = DataNotification | EventNotificationRequest | InformationReportRequest
_PLAIN_IN_PROTECTED: Final = frozenset((0x61, 0x63, 0xD8, 0x0E))
"""AARE, RLRE, ExceptionResponse, ConfirmedServiceError: they carry no data and have no protected form of their own."""
_BLOCK: Final = bytes((GENERAL_BLOCK_TRANSFER,))
_NUMBERS_PER_STEP: Final = 2
"""HLS pass 3 takes one number for its tag and one for the APDU around it; nothing takes more."""


class ClientProtection:
    """The way of plain APDUs to the server and back; `channel` is None where they travel as they are.

    `room` is the size of plain APDU that fits, 0 as long as no association has said it; with `transfer`, which
    carries what is longer, anything does. `unpersisted` counts the events `Persist` that have to be made durable
    before anything more leaves.
    """

    __slots__ = (
        "_request",
        "_settings",
        "channel",
        "framing",
        "receiving",
        "room",
        "sending",
        "transactions",
        "transfer",
        "unpersisted",
    )

    def __init__(
        self,
        framing: Framing,
        settings: ClientSettings,
        request: RequestUnderWay,
        sending: SendCounter | None,
        receiving: ReceiveWindow,
        transactions: ReceiveWindow,
    ) -> None:
        self.framing = framing
        self._settings = settings
        self._request = request
        self.sending = sending
        self.receiving = receiving
        self.transactions = transactions
        self.channel: SecureChannel | None = None
        self.transfer: BlockTransfer | None = None
        self.room = 0
        self.unpersisted = 0

    # What must be durable

    def with_numbers(self, step: Callable[[float], None], now: float) -> None:
        """Do `step` as soon as it may use the numbers of the send counter that it needs."""
        sending = self.sending
        if sending is None or sending.available >= _NUMBERS_PER_STEP:
            step(now)
            return
        try:
            event = sending.reservation()
        except CountersExhausted as error:
            self._request.fail(error)
            return
        self._request.resume = step
        self.persist(event)

    def persist(self, event: Persist) -> None:
        """Ask the caller to make `event` durable."""
        self.unpersisted += 1
        self._request.events.append(event)

    def persisted(self, event: Persist, now: float) -> None:
        """`event` is durable; what waited for its numbers goes on."""
        self.unpersisted -= 1
        if event.reserve and self.sending is not None:
            self.sending.reserved(event)
            resume, self._request.resume = self._request.resume, None
            if resume is not None:
                self.with_numbers(resume, now)

    def keep_window(self) -> None:
        """Without HLS nothing makes a session fresh but the window, so it must survive a restart.

        With HLS our challenge does: an answer of an earlier session has an older counter than pass 4.
        """
        if not self._settings.authentication.high:
            self.persist(Persist(self._settings.window_name, self.receiving.last + 1))
        if self.transactions.last >= 0:
            self.persist(Persist(self._settings.transactions_name, self.transactions.last + 1))

    # Sending

    def transmit(self, apdu: Apdu, now: float) -> None:
        """Send the next APDU of the request under way."""
        self._request.outgoing = encode_apdu(apdu)
        if self.channel is None:
            self.send_outgoing(now)
        else:
            self.with_numbers(self.send_outgoing, now)

    def send_outgoing(self, now: float) -> None:
        """The APDU that waited for its numbers leaves."""
        request, room = self._request, self.room
        apdu = request.outgoing
        if len(apdu) > room > 0:
            request.fail(LocalProtocolError(f"request of {len(apdu)} bytes, the server takes {room}"))
            return
        request.outgoing = b""
        request.last = apdu
        request.wait(now)
        octets = apdu if self.channel is None else self.channel.seal(apdu)
        if self.transfer is None:
            self.framing.send(octets, now)
        else:
            self._send_through(self.transfer, octets, now)
        if request.unanswered:
            request.finish(Answered(None))

    # In blocks

    def _send_through(self, transfer: BlockTransfer, octets: bytes, now: float) -> None:
        """What fits leaves as it is; its answer may come in blocks nevertheless, and begins with block 1."""
        transfer.restart()
        if not transfer.carries(octets):
            self.framing.send(octets, now)
        elif self._request.unanswered:
            self._send_blocks(transfer.unanswered(octets), now)
        else:
            self._send_blocks(transfer.send(octets), now)
        self._request.ask_again(now)

    def _send_blocks(self, blocks: list[GeneralBlockTransfer], now: float) -> None:
        for block in blocks:
            self.framing.send(encode_apdu(block), now)

    def whole(self, raw: bytes, now: float) -> bytes | None:
        """The APDU that `raw` is or completes, None while blocks of it are due; raises `RemoteProtocolError`."""
        if raw[:1] != _BLOCK:
            return raw
        block, transfer = decode_apdu(raw), self.transfer
        if transfer is None or not isinstance(block, GeneralBlockTransfer):
            raise RemoteProtocolError("a block of general block transfer came, which was not negotiated")
        progress = transfer.progress
        whole = transfer.take(block)
        if whole is None and transfer.progress != progress and self._request.busy:
            self._request.wait(now)
            self._request.ask_again(now)
        if whole is None and transfer.turn_due(block):
            self._send_blocks(transfer.turn(), now)
        return whole

    def handle_timeout(self, now: float) -> None:
        """Take our turn again if blocks, or the acknowledgement of ours, are overdue."""
        transfer, request = self.transfer, self._request
        if transfer is not None and request.ask_again_at is not None and now >= request.ask_again_at:
            self._send_blocks(transfer.turn(), now)
            request.ask_again(now)

    # Receiving

    def open(self, raw: bytes) -> Apdu:
        """The plain APDU of what came; `SecurityError` if it is protected less than agreed, or wrongly."""
        channel, tag = self.channel, raw[0] if raw else 0
        ciphered = check_protected(tag, protected=channel is not None, plain_allowed=_PLAIN_IN_PROTECTED)
        if channel is None or not ciphered:
            return decode_apdu(raw)
        plain = channel.open(decode_apdu(raw))
        self.keep_window()
        return decode_apdu(plain)

    def take_notification(self, apdu: Notification, raw: bytes, now: float) -> None:
        """Tell it; a push that asks for confirmation gets it, protected as everything else is."""
        title = self.channel.peer_system_title if self.channel is not None else None
        self._request.events.append(Notified(apdu, raw, title))
        if isinstance(apdu, DataNotification) and apdu.long_invoke_id_and_priority & LongInvokeId.CONFIRMED:
            confirm = encode_apdu(DataNotificationConfirm(apdu.long_invoke_id_and_priority))
            if self.channel is None:
                self.framing.send(confirm, now)
            elif self._request.resume is None:
                self.with_numbers(partial(self._send_confirm, confirm), now)

    def _send_confirm(self, confirm: bytes, now: float) -> None:
        if self.channel is not None:
            self.framing.send(self.channel.seal(confirm), now)
