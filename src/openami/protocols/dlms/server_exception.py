"""The exception-response with which a server answers what it cannot serve."""

from __future__ import annotations

from openami.model.errors import OpenAmiError, SecurityError
from openami.protocols.dlms.counters import ReplayedCounter
from openami.protocols.dlms.errors import PduTooLong
from openami.protocols.dlms.exception import ExceptionResponse, ExceptionServiceError, StateError
from openami.protocols.dlms.service_context import NotServed


def exception_of(error: OpenAmiError, *, in_session: bool) -> ExceptionResponse:
    """What the client is told of an error; details stay here. `in_session` tells whether it has associated."""
    not_allowed = StateError.SERVICE_NOT_ALLOWED
    if isinstance(error, ReplayedCounter):
        lowest = min(error.last + 1, 0xFFFFFFFF)
        return ExceptionResponse(not_allowed, ExceptionServiceError.INVOCATION_COUNTER_ERROR, lowest)
    if isinstance(error, SecurityError):
        if in_session:
            return ExceptionResponse(not_allowed, ExceptionServiceError.DECIPHERING_ERROR)
        return ExceptionResponse(not_allowed, ExceptionServiceError.OPERATION_NOT_POSSIBLE)
    if isinstance(error, PduTooLong):
        return ExceptionResponse(not_allowed, ExceptionServiceError.PDU_TOO_LONG)
    if isinstance(error, NotServed):
        return ExceptionResponse(StateError.SERVICE_UNKNOWN, ExceptionServiceError.SERVICE_NOT_SUPPORTED)
    return ExceptionResponse(not_allowed, ExceptionServiceError.OTHER_REASON)
