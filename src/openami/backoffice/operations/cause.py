"""Why a read failed: one word per attempt, the same in the store, in reports and on pages."""

from __future__ import annotations

from enum import StrEnum

from openami.backoffice.operations.headend_client import HeadendRefused, HeadendUnreachable
from openami.io.keystore.meter_keys import NoKeys
from openami.model.errors import (
    ConnectFailed,
    DecodeError,
    LinkError,
    LinkTimeout,
    OpenAmiError,
    RemoteProtocolError,
    SecurityError,
    ServiceError,
    SettingError,
    StoreError,
)
from openami.protocols.dlms.errors import AssociationRejected
from openami.protocols.zones.message import RefusalCause


class Cause(StrEnum):
    """What went wrong in one attempt."""

    CONNECT_FAILED = "connect-failed"
    TIMEOUT = "timeout"
    LINK_LOST = "link-lost"
    HEADEND_UNREACHABLE = "headend-unreachable"
    HEADEND_REFUSED = "headend-refused"
    METER_BUSY = "meter-busy"
    THROTTLED = "throttled"
    ASSOCIATION_REJECTED = "association-rejected"
    SECURITY_ERROR = "security-error"
    DECODE_ERROR = "decode-error"
    PROTOCOL_ERROR = "protocol-error"
    SERVICE_REFUSED = "service-refused"
    NOT_REGISTERED = "not-registered"
    NOT_INSTALLED = "not-installed"
    NO_LINK = "no-link"
    ONE_WAY = "one-way"
    NO_KEYS = "no-keys"
    WRONG_SETTING = "wrong-setting"
    STORE_FAILED = "store-failed"
    INTERRUPTED = "interrupted"
    DEADLINE_PASSED = "deadline-passed"
    CANCELLED = "cancelled"
    DEFECT = "defect"


PERMANENT = frozenset(
    {Cause.NOT_REGISTERED, Cause.NOT_INSTALLED, Cause.NO_LINK, Cause.ONE_WAY, Cause.NO_KEYS, Cause.WRONG_SETTING}
)
"""Trying again within the campaign cannot help: somebody has to change something first."""


class NotReadable(OpenAmiError):
    """The registry says that the meter cannot be read; `cause` says why."""

    def __init__(self, cause: Cause, detail: str) -> None:
        super().__init__(detail)
        self.cause = cause


_THROTTLES = (RefusalCause.TOO_MANY, RefusalCause.TOO_SOON, RefusalCause.OUTSIDE_WINDOW)
_CLASSES: tuple[tuple[type[Exception], Cause], ...] = (
    (HeadendUnreachable, Cause.HEADEND_UNREACHABLE),
    (NoKeys, Cause.NO_KEYS),
    (AssociationRejected, Cause.ASSOCIATION_REJECTED),
    (ServiceError, Cause.SERVICE_REFUSED),
    (SecurityError, Cause.SECURITY_ERROR),
    (DecodeError, Cause.DECODE_ERROR),
    (RemoteProtocolError, Cause.PROTOCOL_ERROR),
    (LinkTimeout, Cause.TIMEOUT),
    (TimeoutError, Cause.TIMEOUT),
    (ConnectFailed, Cause.CONNECT_FAILED),
    (LinkError, Cause.LINK_LOST),
    (SettingError, Cause.WRONG_SETTING),
    (StoreError, Cause.STORE_FAILED),
)


def cause_of(error: Exception) -> Cause:
    """The cause that an error stands for; DEFECT for what is no error of the family: a bug of ours."""
    if isinstance(error, NotReadable):
        return error.cause
    if isinstance(error, HeadendRefused):
        return _refusal(error.refusal)
    return next((cause for kind, cause in _CLASSES if isinstance(error, kind)), Cause.DEFECT)


def _refusal(refusal: RefusalCause) -> Cause:
    if refusal is RefusalCause.CONNECT_FAILED:
        return Cause.CONNECT_FAILED
    if refusal is RefusalCause.TIMEOUT:
        return Cause.TIMEOUT
    if refusal in _THROTTLES:
        return Cause.THROTTLED
    return Cause.METER_BUSY if refusal is RefusalCause.BUSY else Cause.HEADEND_REFUSED
