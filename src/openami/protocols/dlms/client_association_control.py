"""The client's association control: AARQ and AARE, the proofs of HLS, RLRQ and RLRE."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from openami.model.errors import OpenAmiError, RemoteProtocolError
from openami.protocols.dlms.acse import AARE, RLRE
from openami.protocols.dlms.apdu import Apdu, encode_apdu
from openami.protocols.dlms.block_transfer import BlockTransfer
from openami.protocols.dlms.client_association import AssociationProposal
from openami.protocols.dlms.client_protection import ClientProtection
from openami.protocols.dlms.client_request import ClientState, RequestUnderWay
from openami.protocols.dlms.client_settings import ClientSettings
from openami.protocols.dlms.conformance import Conformance
from openami.protocols.dlms.events import Associated, Released
from openami.protocols.dlms.exchange import unexpected
from openami.protocols.dlms.exchanges import exchange_of
from openami.protocols.dlms.initiate import InitiateResponse

CONFIRMED_HIGH_PRIORITY: Final = 0xC0
_PROOF_BYTES_MAX: Final = 1024


class ClientAssociationControl:
    """Makes and ends the association of one client; a failure in between ends the conversation."""

    __slots__ = ("_protection", "_random", "_request", "_settings", "proposal")

    def __init__(
        self,
        settings: ClientSettings,
        request: RequestUnderWay,
        protection: ClientProtection,
        random: Callable[[int], bytes],
    ) -> None:
        self._settings = settings
        self._request = request
        self._protection = protection
        self._random = random
        self.proposal: AssociationProposal | None = None

    def send_aarq(self, now: float) -> None:
        """Propose an association, with a new challenge."""
        settings, protection = self._settings, self._protection
        proposal = AssociationProposal(settings, self._random)
        if settings.ciphered and protection.sending is not None:
            protection.channel = proposal.channel(protection.sending, protection.receiving, protection.transactions)
        self.proposal = proposal
        self._request.state = ClientState.ASSOCIATING
        self._request.wait(now)
        protection.framing.send(encode_apdu(proposal.aarq(protection.channel)), now)

    def take_aare(self, aare: AARE, raw: bytes, now: float) -> None:
        """The server's answer to AARQ; raises `RemoteProtocolError` if it cannot be its genuine one."""
        proposal, protection = self.proposal, self._protection
        if self._request.state is not ClientState.ASSOCIATING or proposal is None:
            raise RemoteProtocolError("AARE came where no association was asked for")
        try:
            proposal.accept(aare)
        except OpenAmiError as error:
            if isinstance(error, RemoteProtocolError):
                raise
            self._request.received.append(raw)
            self._request.fail(error)
            return
        if protection.channel is not None:
            protection.channel.peer_system_title = proposal.server_system_title
        initiate = proposal.initiate_response(aare, protection.channel)
        if protection.channel is not None:
            protection.keep_window()
        self._request.received.append(raw)
        self._measure(initiate)
        if self._settings.authentication.high:
            self._request.state = ClientState.AUTHENTICATING
            protection.with_numbers(self.send_pass_3, now)
        else:
            self._associated()

    def _measure(self, initiate: InitiateResponse) -> None:
        """How much the server and the framing take, at once or in blocks; 0 in its answer is no limit."""
        settings, protection = self._settings, self._protection
        channel = protection.channel
        limits = [limit for limit in (initiate.server_max_receive_pdu_size, protection.framing.max_apdu) if limit]
        pdu_max = min(limits, default=0xFFFF)
        protection.room = max(1, pdu_max - (channel.overhead() if channel is not None else 0))
        protection.transfer = None
        if Conformance.GENERAL_BLOCK_TRANSFER in initiate.negotiated_conformance & settings.proposed_conformance:
            protection.transfer = BlockTransfer(
                pdu_max,
                window=settings.block_window,
                limit=settings.response_bytes_max,
                serving=False,
                protected=channel is not None,
            )
            protection.room = settings.response_bytes_max

    def send_pass_3(self, now: float) -> None:
        """Prove ourselves."""
        assert self.proposal is not None
        request, protection = self._request, self._protection
        proof = self.proposal.pass_3(self._take_counter)
        exchange = exchange_of(proof, CONFIRMED_HIGH_PRIORITY, room=protection.room, limit=_PROOF_BYTES_MAX)
        request.exchange = exchange
        request.outgoing = encode_apdu(exchange.first())
        protection.send_outgoing(now)

    def _take_counter(self) -> int:
        assert self._protection.sending is not None
        return self._protection.sending.take()

    def take_pass_4(self, answer: Any) -> None:
        """The server has answered pass 3; raises `RemoteProtocolError` unless it has proven itself."""
        assert self.proposal is not None
        self.proposal.verify_pass_4(answer)
        self._associated()

    def _associated(self) -> None:
        assert self.proposal is not None
        self._request.state = ClientState.ASSOCIATED
        agreed = self.proposal.agreed
        title = self.proposal.server_system_title or None
        self._request.finish(Associated(title, int(agreed.negotiated_conformance), agreed.server_max_receive_pdu_size))

    def send_rlrq(self, now: float) -> None:
        """Ask for the end of the association."""
        assert self.proposal is not None
        self._protection.framing.send(encode_apdu(self.proposal.rlrq(self._protection.channel)), now)

    def take_release(self, apdu: Apdu) -> None:
        """What came for RLRQ."""
        if isinstance(apdu, RLRE):
            self._request.state = ClientState.IDLE
            self._protection.channel = None
            self._protection.transfer = None
            self._request.finish(Released())
        else:
            self._request.fail(unexpected(apdu, "RLRQ"))
