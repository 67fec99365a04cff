"""What the client's and the server's core tell their caller."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from openami.model.errors import OpenAmiError
from openami.protocols.dlms.association import Association


@dataclass(frozen=True, slots=True)
class Associated:
    """Client: the association stands and, with HLS, both sides have proven themselves."""

    server_system_title: bytes | None
    conformance: int
    server_max_receive_pdu_size: int


@dataclass(frozen=True, slots=True)
class Answered:
    """Client: the answer to the request. What it is depends on the request; see `openami.protocols.dlms.request`."""

    answer: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class Failed:
    """Client: the request came to nothing; `error` says why and is made to be raised."""

    error: OpenAmiError


@dataclass(frozen=True, slots=True)
class Released:
    """Client: the server has confirmed the end of the association."""


@dataclass(frozen=True, slots=True)
class Notified:
    """Client: a DataNotification came by itself; `apdu` is as it came."""

    notification: Any
    apdu: bytes = field(repr=False)
    system_title: bytes | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """An APDU that was not accepted, kept as it came, and why. It has changed nothing."""

    apdu: bytes = field(repr=False)
    error: OpenAmiError


@dataclass(frozen=True, slots=True)
class Closed:
    """Nothing more can be sent or will come. `clean` tells an orderly end."""

    reason: str
    clean: bool


@dataclass(frozen=True, slots=True)
class ClientAssociated:
    """Server: a client has associated and proven itself."""

    association: Association


@dataclass(frozen=True, slots=True)
class ClientLeft:
    """Server: the association of a client has ended."""

    client_sap: int
    reason: str


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Server: a client has confirmed the push with this long invoke id."""

    client_sap: int
    long_invoke_id: int
