"""What the guard answers to whoever asks. It trusts none of them: the authority and people have signed."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openami.backoffice.audit.answering import REFUSALS, answer_about, refused
from openami.backoffice.audit.log import MerkleLog
from openami.backoffice.guard import guard as guards
from openami.backoffice.guard.events import Quarantined
from openami.backoffice.guard.guard import Envelope, Guard
from openami.backoffice.guard.limits import Limits
from openami.backoffice.guard.plans import EmergencyPlan
from openami.model.errors import DecodeError
from openami.protocols.seal.approval import ApprovalRecord
from openami.protocols.wire.declared import codec_of, decode_all
from openami.protocols.zones.inner_message import (
    ActivatePlan,
    AskQuarantine,
    ChangeLimits,
    Delete,
    Done,
    GuardRequest,
    HeldCommand,
    InnerAnswer,
    PreparePlan,
    Quarantine,
    Release,
    Submit,
    Verdict,
    Verdicts,
)


class GuardAnswers:
    """`log` is where the guard keeps its events, `log_key` signs its heads."""

    def __init__(self, guard: Guard, log: MerkleLog, log_key: Ed25519PrivateKey) -> None:
        self._guard = guard
        self._log = log
        self._log_key = log_key

    def answer(self, request: GuardRequest) -> InnerAnswer:
        """The answer to one request; whatever the guard refuses is an answer too."""
        try:
            return self._answer(request)
        except REFUSALS as error:
            return refused(error)
        except msgspec.DecodeError as error:
            return refused(DecodeError(str(error), 0, (type(request).__name__,)))

    def _answer(self, request: GuardRequest) -> InnerAnswer:
        match request:
            case Submit():
                record = decode_all(codec_of(ApprovalRecord), request.record)
                return _verdicts(self._guard.submit(record, request.signed))
            case AskQuarantine():
                return Quarantine([_held(one) for one in self._guard.quarantine()])
            case Release():
                return _verdicts([self._guard.release(request.digest, request.assertions)])
            case Delete():
                self._guard.delete(request.digest, request.assertions)
                return Done()
            case PreparePlan() | ActivatePlan() | ChangeLimits():
                return Done(self._decided(request))
            case _:
                return answer_about(self._log, self._log_key, request)

    def _decided(self, request: PreparePlan | ActivatePlan | ChangeLimits) -> float:
        """Carry out what planners decided; when it begins or ends to hold."""
        if isinstance(request, ActivatePlan):
            return self._guard.activate_plan(request.name, request.minute, request.assertions)
        if isinstance(request, ChangeLimits):
            return self._guard.change_limits(msgspec.msgpack.decode(request.limits, type=Limits), request.assertions)
        self._guard.prepare_plan(msgspec.msgpack.decode(request.plan, type=EmergencyPlan), request.assertions)
        return 0.0


def _verdicts(verdicts: Sequence[guards.Verdict]) -> Verdicts:
    return Verdicts(
        [
            Verdict(one.digest, one.recipient, one.octets)
            if isinstance(one, Envelope)
            else Verdict(one.digest, check=one.check, reason=one.reason)
            for one in verdicts
        ]
    )


def _held(one: Quarantined) -> HeldCommand:
    effect = one.effect
    return HeldCommand(effect.digest, one.at, one.check, one.reason, effect.persons, one.releasable, one.signed)
