"""What the authority answers to whoever asks over its connection. It trusts none of them: people have signed."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openami.backoffice.audit.answering import REFUSALS, answer_about, refused
from openami.backoffice.audit.log import MerkleLog
from openami.backoffice.authority.authority import Authority
from openami.protocols.seal.approval import ApprovalRecord, CommandList
from openami.protocols.wire.declared import codec_of, decode_all, encode_all
from openami.protocols.zones.inner_message import (
    Approve,
    ApproveAlone,
    AskCommands,
    AskFor,
    AskWaiting,
    AuthorityRequest,
    CommandsOf,
    Done,
    InnerAnswer,
    Made,
    Sign,
    SignedCommands,
    Waiting,
)


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
            case AskCommands():
                commands = self._authority.commands(request.request)
                return CommandsOf(encode_all(codec_of(CommandList), commands))
            case AskWaiting():
                return Waiting(self._authority.waiting())
        return answer_about(self._log, self._log_key, request)

    def _approve(self, request: Approve | ApproveAlone) -> None:
        if isinstance(request, Approve):
            self._authority.approve(request.request, request.assertion)
        else:
            self._authority.approve_alone(request.request)
