"""What the authority answers to whoever asks over its connection. It trusts none of them: people have signed."""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openami.backoffice.audit.answering import REFUSALS, answer_about, refused
from openami.backoffice.audit.log import MerkleLog
from openami.backoffice.authority.authority import Authority, Request
from openami.protocols.seal.approval import ApprovalRecord, CommandList
from openami.protocols.wire.declared import codec_of, decode_all, encode_all
from openami.protocols.zones.inner_message import (
    Approve,
    ApproveAlone,
    AskFor,
    AskOrder,
    AskOrders,
    AuthorityRequest,
    InnerAnswer,
    Made,
    OrderIs,
    Orders,
    Sign,
    SignedCommands,
)
from openami.protocols.zones.log_message import ANSWER_BYTES_MAX, Done

ORDERS_MAX: Final = 500


class AuthorityAnswers:
    """`log` is where the authority keeps its events, `log_key` signs its heads."""

    def __init__(self, authority: Authority, log: MerkleLog, log_key: Ed25519PrivateKey) -> None:
        self._authority = authority
        self._log = log
        self._log_key = log_key

    def answer(self, request: AuthorityRequest) -> InnerAnswer:
        """The answer to one request; whatever the authority refuses is an answer too."""
        try:
            return self._answer(request)
        except REFUSALS as error:
            return refused(error)

    def _answer(self, request: AuthorityRequest) -> InnerAnswer:
        match request:
            case AskFor():
                commands = decode_all(codec_of(CommandList), request.commands)
                return Made(self._authority.request(commands, request.assertion))
            case Approve() | ApproveAlone():
                self._approve(request)
                return Done()
            case Sign():
                approved = self._authority.sign(request.request, request.challenges)
                return SignedCommands(encode_all(codec_of(ApprovalRecord), approved.record), list(approved.signed))
            case AskOrders():
                return Orders(self._newest())
            case AskOrder():
                return Orders([self._order(self._authority.order(request.request))])
        return answer_about(self._log, self._log_key, request)

    def _newest(self) -> list[OrderIs]:
        """As many as one answer carries."""
        orders: list[OrderIs] = []
        octets = 0
        for one in reversed(self._authority.requests()):
            octets += len(one.requested.commands)
            if octets > ANSWER_BYTES_MAX or len(orders) == ORDERS_MAX:
                break
            orders.append(self._order(one))
        return orders

    def _order(self, one: Request) -> OrderIs:
        asked, record = one.requested, one.record
        return OrderIs(
            asked.request,
            asked.commands,
            asked.person,
            asked.at,
            record.approver if record else "",
            record.digest() if record else b"",
            bool(one.signed),
            self._authority.expired(one),
        )

    def _approve(self, request: Approve | ApproveAlone) -> None:
        if isinstance(request, Approve):
            self._authority.approve(request.request, request.assertion)
        else:
            self._authority.approve_alone(request.request)
