"""The peer understood and answered no: the classes of that answer."""

from __future__ import annotations

from enum import IntEnum

from openami.model.errors import RemoteProtocolError, ServiceError
from openami.protocols.dlms.axdr import hyphenated
from openami.protocols.dlms.conformance import Conformance


def _named(code: int) -> str:
    return f"{hyphenated(code)} ({int(code)})" if isinstance(code, IntEnum) else str(code)


class AssociationRejected(ServiceError):
    """The server refused the association: AARE with `result` (1 permanent, 2 transient) and `diagnostic`."""

    def __init__(self, result: int, diagnostic: int, cause: str = "") -> None:
        more = f"; {cause}" if cause else ""
        super().__init__(f"association refused: {_named(result)}, {_named(diagnostic)}{more}")
        self.result = result
        self.diagnostic = diagnostic


class DataAccessError(ServiceError):
    """GET or SET of one attribute was answered with a data-access-result other than success."""

    def __init__(self, result: int, attribute: str) -> None:
        super().__init__(f"{attribute}: {_named(result)}")
        self.result = result
        self.attribute = attribute


class ActionError(ServiceError):
    """A method was answered with an action-result other than success."""

    def __init__(self, result: int, method: str) -> None:
        super().__init__(f"{method}: {_named(result)}")
        self.result = result
        self.method = method


class PduTooLong(RemoteProtocolError):
    """An APDU of more octets than the side that refuses it has said that it takes."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"APDU of {size} bytes, at most {limit} are taken: max_receive_pdu_size was not honoured")


class ServiceFailed(ServiceError):
    """The server answered a request with an exception-response or a confirmed-service-error.

    `invocation_counter` is what the server expects, if it says so. The answer is not authenticated: nobody may
    move a counter because of it alone.
    """

    def __init__(self, what: str, *, invocation_counter: int | None = None) -> None:
        more = "" if invocation_counter is None else f"; the server expects invocation counter {invocation_counter}"
        super().__init__(f"request failed: {what}{more}")
        self.invocation_counter = invocation_counter


class ServiceNotNegotiated(ServiceError):
    """A request takes a service on which client and server have not agreed in the association; nothing was sent."""

    def __init__(self, missing: Conformance, agreed: Conformance) -> None:
        super().__init__(
            f"not sent: {conformance_text(missing)} was not negotiated in this association, "
            f"which has {conformance_text(agreed) or 'no service'}"
        )
        self.missing = missing


def conformance_text(services: Conformance) -> str:
    """The standard's words for a conformance block: `get, block-transfer-with-get-or-read`."""
    return ", ".join(hyphenated(each) for each in Conformance if each & services)
