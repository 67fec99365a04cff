"""ExceptionResponse: the server could not even treat the request as one of its services."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Final

from openami.protocols.dlms.axdr import enumerated
from openami.protocols.wire.cursor import Cursor
from openami.protocols.wire.declared import Codec
from openami.protocols.wire.integers import UNSIGNED32


class StateError(IntEnum):
    """What the state of the association has to do with it."""

    SERVICE_NOT_ALLOWED = 1
    SERVICE_UNKNOWN = 2


class ExceptionServiceError(IntEnum):
    """`service-error` of an ExceptionResponse."""

    OPERATION_NOT_POSSIBLE = 1
    SERVICE_NOT_SUPPORTED = 2
    OTHER_REASON = 3
    PDU_TOO_LONG = 4
    DECIPHERING_ERROR = 5
    INVOCATION_COUNTER_ERROR = 6


_STATE_ERROR: Final = enumerated(StateError, "state-error")
_SERVICE_ERROR: Final = enumerated(ExceptionServiceError, "service-error")


@dataclass(frozen=True, slots=True)
class ExceptionResponse:
    """`invocation_counter`, only with INVOCATION_COUNTER_ERROR, is the lowest that the server will accept."""

    state_error: StateError
    service_error: ExceptionServiceError
    invocation_counter: int | None = None

    CODEC: ClassVar[Codec[ExceptionResponse]]

    def encode(self, out: bytearray) -> None:
        """Append the octets behind the APDU's tag."""
        _STATE_ERROR.encode(self.state_error, out)
        _SERVICE_ERROR.encode(self.service_error, out)
        if self.invocation_counter is not None:
            UNSIGNED32.encode(self.invocation_counter, out)


def _decode(cursor: Cursor) -> ExceptionResponse:
    state_error = cursor.field("state_error", _STATE_ERROR.decode)
    service_error = cursor.field("service_error", _SERVICE_ERROR.decode)
    if service_error is not ExceptionServiceError.INVOCATION_COUNTER_ERROR or not cursor.remaining:
        return ExceptionResponse(state_error, service_error)
    return ExceptionResponse(state_error, service_error, cursor.field("invocation_counter", UNSIGNED32.decode))


ExceptionResponse.CODEC = Codec("ExceptionResponse", _decode, ExceptionResponse.encode)
