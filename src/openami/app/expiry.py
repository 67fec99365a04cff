"""When the certificates of an installation end: told 30, 14 and 7 days before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from cryptography import x509

from openami.app.installation import Installation

ALARM_DAYS: Final = (7, 14, 30)
"""At so many days before its end, and at the end, a certificate is alarmed."""


class Ending(NamedTuple):
    """A certificate of the installation and the whole days that it still holds; below 0: it is over."""

    file: Path
    days: int

    @property
    def stage(self) -> int | None:
        """The alarm that is due: days before the end, or None while there is time."""
        return next((days for days in (0, *ALARM_DAYS) if self.days <= days), None)


def endings(installation: Installation, now: datetime) -> list[Ending]:
    """Every certificate of the settings that is here, the first to end first."""
    found = [Ending(file, (_end(file) - now).days) for file in _files(installation) if file.exists()]
    return sorted(found, key=lambda one: (one.days, str(one.file)))


def _files(installation: Installation) -> Iterator[Path]:
    settings = installation.settings
    zones, collectors = settings.zones, settings.headend
    named = (
        settings.portal.certificate,
        zones.headend_certificate,
        zones.operations_certificate,
        settings.authority.certificate,
        settings.guard.certificate,
        settings.witness.certificate,
        settings.operations.certificate,
        settings.portal.zone_certificate,
        settings.collector.certificate,
        zones.authority,
        collectors.collector_authority,
    )
    yield from dict.fromkeys(map(installation.path, named))


def _end(file: Path) -> datetime:
    """The end of the first certificate in a file that may begin with a private key."""
    raw = file.read_bytes()
    return x509.load_pem_x509_certificate(raw[raw.index(b"-----BEGIN CERTIFICATE") :]).not_valid_after_utc
