"""Which locked libraries have a known hole: advisories in the OSV format, one JSON object a file, from a folder.

The folder is what a public database of advisories hands out for PyPI, fetched by whoever runs the check, since a back
office reaches no public network. Advisories that have not been fetched for a day prove nothing and count as a fault.
Field names are those of the OSV schema as its public documentation shows them; of ranges, the ECOSYSTEM ones are read.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct, field
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from openami.app.release.lock_file import Locked
from openami.model.errors import SettingError

AGE_MAX = timedelta(hours=24)
_ECOSYSTEM = "ECOSYSTEM"
_Moment = Annotated[datetime, Meta(tz=True)]


class _Package(Struct):
    ecosystem: str
    name: str


class _Range(Struct):
    type: str
    events: list[dict[str, str]]


class _Affected(Struct):
    package: _Package | None = None
    ranges: list[_Range] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)


class Advisory(Struct):
    """A hole in libraries, as published."""

    id: str
    modified: _Moment
    summary: str = ""
    withdrawn: _Moment | None = None
    affected: list[_Affected] = field(default_factory=list)


def read_advisories(folder: Path) -> list[Advisory]:
    """Every advisory in `folder`; raises `SettingError` if there is none, or that names the file that is none."""
    found = [_advisory(file) for file in sorted(folder.glob("*.json"))]
    if not found:
        raise SettingError(f"{folder} holds no advisories (*.json)")
    return found


def _advisory(file: Path) -> Advisory:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Advisory)
    except msgspec.DecodeError as error:
        raise SettingError(f"{file} is no advisory of the OSV format: {error}") from error


def check_fresh(advisories: Iterable[Advisory], now: datetime) -> None:
    """Raise `SettingError` if the newest of the advisories is older than a day."""
    newest = max(one.modified for one in advisories)
    if now - newest > AGE_MAX:
        raise SettingError(f"the newest advisory is of {newest:%Y-%m-%d %H:%M} UTC: fetch them anew")


def known_holes(lock: Iterable[Locked], advisories: Iterable[Advisory]) -> list[tuple[Locked, Advisory]]:
    """Each library of `lock` with each advisory that names its version."""
    by_name: dict[str, list[tuple[_Affected, Advisory]]] = {}
    for advisory in advisories:
        for one in advisory.affected if advisory.withdrawn is None else ():
            if one.package is not None and one.package.ecosystem == "PyPI":
                by_name.setdefault(str(canonicalize_name(one.package.name)), []).append((one, advisory))
    return [
        (locked, advisory)
        for locked in lock
        for one, advisory in by_name.get(locked.name, ())
        if _names(one, locked.version)
    ]


def _names(affected: _Affected, version: str) -> bool:
    return version in affected.versions or any(
        _covers(one, Version(version)) for one in affected.ranges if one.type == _ECOSYSTEM
    )


def _covers(span: _Range, version: Version) -> bool:
    """Events in the order of versions: from `introduced` until `fixed`, or through `last_affected`."""
    inside = False
    for event in span.events:
        for kind, text in event.items():
            inside = _after(kind, text, version, inside=inside)
    return inside


def _after(kind: str, text: str, version: Version, *, inside: bool) -> bool:
    """Whether `version` lies in the span once this event has been looked at."""
    try:
        at = Version(text)
    except InvalidVersion:
        return inside  # a version that cannot be compared moves no border
    match kind:
        case "introduced":
            return inside or version >= at
        case "fixed":
            return inside and version < at
        case "last_affected":
            return inside and version <= at
        case _:
            return inside
