"""What people write on a command line: OBIS codes, moments, days, numbers."""

from __future__ import annotations

from datetime import UTC, date, datetime

from openami.model.errors import SettingError
from openami.model.obis import ObisCode


def code_of(text: str) -> ObisCode:
    """An OBIS code as typed; group F may be left out."""
    try:
        return ObisCode.parse(text if "*" in text else f"{text}*255")
    except ValueError as error:
        raise SettingError(str(error)) from error


def time_of(option: str, text: str | None) -> datetime | None:
    """A moment as typed, UTC if it names no zone; raises `SettingError` that names the option."""
    moment = moment_of(option, text)
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


def moment_of(option: str, text: str | None) -> datetime | None:
    """A moment as typed, with or without a zone; raises `SettingError` that names the option."""
    try:
        return None if text is None else datetime.fromisoformat(text)
    except ValueError as error:
        raise SettingError(f"{option} is {text!r}; write it as 2026-01-31T12:00:00+01:00") from error


def check_order(start: datetime | None, end: datetime | None) -> None:
    """Raise `SettingError` for a period that ends before it begins."""
    if start is not None and end is not None and end < start:
        raise SettingError(f"--to ({end.isoformat()}) lies before --from ({start.isoformat()})")


def day_of(text: str) -> date:
    """A day as typed; raises `SettingError`."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise SettingError(f"{text!r} is not a day; write it as 2026-11-23") from None
