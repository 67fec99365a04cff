"""The one family of errors.

Messages speak to the operator: what is wrong, where, and with which value. They never carry keys.
`DecodeError` says that bytes are bad; anything else that leaves a decoder is a bug of ours.
"""

from __future__ import annotations


class OpenAmiError(Exception):
    """Root of every error that OpenAMI raises on purpose."""


class SettingError(OpenAmiError):
    """A setting, an argument or an option is wrong; the message names it."""


class ProtocolError(OpenAmiError):
    """A protocol was not kept. Abstract: see the two sides below."""


class LocalProtocolError(ProtocolError):
    """We asked for something that the state of the conversation forbids: our bug."""


class RemoteProtocolError(ProtocolError):
    """The peer's bytes break the standard. The bytes are kept by whoever received them."""


class DecodeError(RemoteProtocolError):
    """Bytes that cannot be decoded.

    `offset` counts bytes from the start of the buffer that was decoded; `path` names the fields from the
    outermost structure inwards, for example `("GetResponseNormal", "result", "[3]")`.
    """

    def __init__(self, reason: str, offset: int, path: tuple[str, ...] = ()) -> None:
        super().__init__(reason, offset, path)
        self.reason = reason
        self.offset = offset
        self.path = path

    def __str__(self) -> str:
        where = ".".join(self.path)
        return f"{self.reason} at offset {self.offset}" + (f" in {where}" if where else "")


class FrameCheckError(DecodeError):
    """A checksum (HCS, FCS, CRC) does not match."""


class LimitExceeded(DecodeError):
    """The bytes ask for more elements, depth, blocks or memory than the limits allow."""


class SecurityError(RemoteProtocolError):
    """Protection failed: wrong tag, replayed counter, unknown system title, plaintext where it is forbidden."""


class ServiceError(OpenAmiError):
    """The peer understood and answered no. Subclasses are chosen by the peer's code."""


class LinkError(OpenAmiError):
    """The way to the peer failed; trying again later may help."""


class ConnectFailed(LinkError):
    """No connection came about."""


class LinkLost(LinkError):
    """The connection ended in the middle of a conversation."""


class LinkTimeout(LinkError):
    """The peer did not answer in time."""


class StoreError(OpenAmiError):
    """The store refused or failed."""


class Conflict(StoreError):
    """Somebody else changed the same thing first."""


class SchemaTooOld(StoreError):
    """The store's schema is older than this program; run `openami store upgrade`."""


class SchemaTooNew(StoreError):
    """The store's schema was made by a newer program."""
