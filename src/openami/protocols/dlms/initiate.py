"""xDLMS Initiate: what client and server agree on inside the association request, and how it fails."""

from __future__ import annotations

from dataclasses import field
from enum import IntEnum
from typing import Annotated, Final

from openami.protocols.dlms.axdr import BOOLEAN, OCTET_STRING, enumerated, optional
from openami.protocols.dlms.conformance import CONFORMANCE, Conformance
from openami.protocols.wire.cursor import Cursor
from openami.protocols.wire.declared import Codec, declared
from openami.protocols.wire.integers import SIGNED8, UNSIGNED8, UNSIGNED16

DLMS_VERSION: Final = 6
VAA_LOGICAL_NAME: Final = 0x0007
VAA_SHORT_NAME: Final = 0xFA00


def _take_default_true(cursor: Cursor) -> bool:
    present = optional(BOOLEAN).decode(cursor)
    return present is not False


def _put_default_true(value: bool, out: bytearray) -> None:
    out += b"\x00" if value else b"\x01\x00"


_DEFAULT_TRUE: Final = Codec("boolean default true", _take_default_true, _put_default_true)


@declared
class InitiateRequest:
    """What the client proposes. The dedicated key is a secret and stays out of the representation."""

    dedicated_key: Annotated[bytes | None, optional(OCTET_STRING)] = field(default=None, repr=False)
    response_allowed: Annotated[bool, _DEFAULT_TRUE] = True
    proposed_quality_of_service: Annotated[int | None, optional(SIGNED8)] = None
    proposed_dlms_version_number: Annotated[int, UNSIGNED8] = DLMS_VERSION
    proposed_conformance: Annotated[Conformance, CONFORMANCE] = Conformance(0)
    client_max_receive_pdu_size: Annotated[int, UNSIGNED16] = 0xFFFF


@declared
class InitiateResponse:
    """What the server agrees to. `vaa_name` is 0007 with logical names and FA00 with short names."""

    negotiated_quality_of_service: Annotated[int | None, optional(SIGNED8)] = None
    negotiated_dlms_version_number: Annotated[int, UNSIGNED8] = DLMS_VERSION
    negotiated_conformance: Annotated[Conformance, CONFORMANCE] = Conformance(0)
    server_max_receive_pdu_size: Annotated[int, UNSIGNED16] = 0xFFFF
    vaa_name: Annotated[int, UNSIGNED16] = VAA_LOGICAL_NAME


class ConfirmedService(IntEnum):
    """Which service failed: the choices of ConfirmedServiceError."""

    INITIATE_ERROR = 1
    GET_STATUS = 2
    GET_NAME_LIST = 3
    GET_VARIABLE_ATTRIBUTE = 4
    READ = 5
    WRITE = 6
    GET_DATA_SET_ATTRIBUTE = 7
    GET_TI_ATTRIBUTE = 8
    CHANGE_SCOPE = 9
    START = 10
    STOP = 11
    RESUME = 12
    MAKE_USABLE = 13
    INITIATE_LOAD = 14
    LOAD_SEGMENT = 15
    TERMINATE_LOAD = 16
    INITIATE_UP_LOAD = 17
    UP_LOAD_SEGMENT = 18
    TERMINATE_UP_LOAD = 19


class ServiceErrorKind(IntEnum):
    """What kind of error it is: the choices of ServiceError."""

    APPLICATION_REFERENCE = 0
    HARDWARE_RESOURCE = 1
    VDE_STATE_ERROR = 2
    SERVICE = 3
    DEFINITION = 4
    ACCESS = 5
    INITIATE = 6
    LOAD_DATA_SET = 7
    CHANGE_SCOPE = 8
    TASK = 9
    OTHER = 10


_ERROR_TEXTS: Final = {
    ServiceErrorKind.APPLICATION_REFERENCE: (
        "other",
        "time-elapsed",
        "application-unreachable",
        "application-reference-invalid",
        "application-context-unsupported",
        "provider-communication-error",
        "deciphering-error",
    ),
    ServiceErrorKind.HARDWARE_RESOURCE: (
        "other",
        "memory-unavailable",
        "processor-resource-unavailable",
        "mass-storage-unavailable",
        "other-resource-unavailable",
    ),
    ServiceErrorKind.VDE_STATE_ERROR: (
        "other",
        "no-dlms-context",
        "loading-data-set",
        "status-nochange",
        "status-inoperable",
    ),
    ServiceErrorKind.SERVICE: ("other", "pdu-size", "service-unsupported"),
    ServiceErrorKind.DEFINITION: (
        "other",
        "object-undefined",
        "object-class-inconsistent",
        "object-attribute-inconsistent",
    ),
    ServiceErrorKind.ACCESS: (
        "other",
        "scope-of-access-violated",
        "object-access-violated",
        "hardware-fault",
        "object-unavailable",
    ),
    ServiceErrorKind.INITIATE: (
        "other",
        "dlms-version-too-low",
        "incompatible-conformance",
        "pdu-size-too-short",
        "refused-by-the-vde-handler",
    ),
    ServiceErrorKind.LOAD_DATA_SET: (
        "other",
        "primitive-out-of-sequence",
        "not-loadable",
        "dataset-size-too-large",
        "not-awaited-segment",
        "interpretation-failure",
        "storage-failure",
        "data-set-not-ready",
    ),
    ServiceErrorKind.CHANGE_SCOPE: ("other",),
    ServiceErrorKind.TASK: ("other", "no-remote-control", "ti-stopped", "ti-running", "ti-unusable"),
    ServiceErrorKind.OTHER: ("other",),
}


@declared
class ConfirmedServiceError:
    """A service failed: which one, with what kind of error, and that kind's code."""

    failed_service: Annotated[ConfirmedService, enumerated(ConfirmedService, "confirmed service")]
    service_error: Annotated[ServiceErrorKind, enumerated(ServiceErrorKind, "service error")]
    code: Annotated[int, UNSIGNED8]

    @property
    def text(self) -> str:
        """The standard's word for the code, such as `dlms-version-too-low`, or its number if it has none."""
        texts = _ERROR_TEXTS[self.service_error]
        return texts[self.code] if self.code < len(texts) else str(self.code)
