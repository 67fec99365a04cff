"""TLS without a stream under it: records in, records out, for links that carry messages."""

from __future__ import annotations

import ssl

from openami.model.errors import LocalProtocolError, SecurityError

READ_MAX = 1 << 14


class TlsSession:
    """One end of one session. `context` says who we are and whom we trust; both sides should ask for certificates."""

    def __init__(self, context: ssl.SSLContext, *, server_side: bool, peer: str | None = None) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=server_side, server_hostname=peer)
        self._established = False
        if not server_side:
            self._proceed()

    @property
    def established(self) -> bool:
        """Whether both sides have proved who they are."""
        return self._established

    def receive(self, records: bytes) -> bytes:
        """Take records; give what they say, empty during the handshake. Raises `SecurityError` when it is over."""
        self._incoming.write(records)
        if not self._established and not self._proceed():
            return b""
        said = bytearray()
        try:
            while piece := self._tls.read(READ_MAX):
                said += piece
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            raise SecurityError(f"TLS ended: {_reason(error)}") from error
        return bytes(said)

    def send(self, plain: bytes) -> None:
        """Say something; raises `LocalProtocolError` before the session is established."""
        if not self._established:
            raise LocalProtocolError("TLS is not established yet: nothing can be said")
        self._tls.write(plain)

    def data_to_send(self) -> bytes:
        """The records to carry now."""
        return self._outgoing.read()

    def _proceed(self) -> bool:
        """A step of the handshake; whether it is done."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError as error:
            raise SecurityError(f"TLS handshake failed: {_reason(error)}") from error
        self._established = True
        return True


def _reason(error: ssl.SSLError) -> str:
    said = error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else ""
    return said or error.reason or str(error)
