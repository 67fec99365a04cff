"""The certificates that were called back, as those look at it who meet their holders."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from openami.model.errors import SecurityError


class DenyList:
    """The serial numbers that were called back, read again when the file changes.

    A file that the authority did not sign, or that is older than the one known, changes nothing: `error` says why.
    """

    def __init__(self, file: Path, authority: Path) -> None:
        self._file = file
        self._authority = x509.load_pem_x509_certificate(authority.read_bytes())
        self._seen: tuple[int, int] | None = None
        self._since: dt.datetime | None = None
        self._serials: dict[int, None] = {}
        self.error = ""
        self.refresh()

    def denied(self, serial: int) -> bool:
        """Whether the certificate with this serial number was called back."""
        return serial in self._serials

    def refresh(self) -> None:
        """Read the file if it changed."""
        try:
            status = self._file.stat()
            if (seen := (status.st_mtime_ns, status.st_size)) == self._seen:
                return
            self._take(self._file.read_bytes())
            self._seen, self.error = seen, ""
        except (OSError, ValueError, SecurityError) as error:
            self.error = f"deny list {self._file}: {error}; {len(self._serials)} entries stay in force"

    def _take(self, raw: bytes) -> None:
        listed = x509.load_pem_x509_crl(raw)
        key = self._authority.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        if not listed.is_signature_valid(key):
            raise SecurityError("the authority has not signed it")
        if self._since is not None and listed.last_update_utc < self._since:
            raise SecurityError("it is older than the one that was read before")
        self._since = listed.last_update_utc
        self._serials = dict.fromkeys(entry.serial_number for entry in listed)
