"""A lock file as `pip install --require-hashes` reads it: every library by version and by the SHA-256 of its files.

A line is `name==version`, a marker if the library is not for every machine, and hashes. Options and addresses have no
place in it: where files come from is the machine's own business, what they are is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from packaging.markers import InvalidMarker, Marker
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from openami.model.errors import SecurityError, SettingError

_PIN = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[0-9A-Za-z.!+_-]+)\s*(?:;(?P<marker>[^#]*?))?\s*")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Locked:
    """A library at one version; `hashes` are the SHA-256 of the files that may be installed, in hexadecimal."""

    name: str
    version: str
    hashes: frozenset[str]
    marker: Marker | None = None

    @property
    def is_for_us(self) -> bool:
        """Whether this machine and Python need it."""
        return self.marker is None or self.marker.evaluate()

    def line(self) -> str:
        """As the file says it."""
        marker = f" ; {self.marker}" if self.marker else ""
        hashes = "".join(f" \\\n    --hash=sha256:{one}" for one in sorted(self.hashes))
        return f"{self.name}=={self.version}{marker}{hashes}"


def read_lock(text: str) -> tuple[Locked, ...]:
    """The libraries of a lock file; raises `SettingError` with the line that is no pin with hashes."""
    return tuple(_locked(number, line) for number, line in _lines(text))


def _lines(text: str) -> Iterable[tuple[int, str]]:
    """Each whole line with the number of its first part, joined where a backslash ends one; no comments, none empty."""
    first, parts = 1, list[str]()
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not parts:
            first = number
        if line.startswith("#"):
            continue
        parts.append(line.removesuffix("\\").strip())
        if not line.endswith("\\"):
            if whole := " ".join(parts).strip():
                yield first, whole
            parts = []


def _locked(number: int, line: str) -> Locked:
    hashes = _HASH.findall(line)
    pin = _PIN.fullmatch(_HASH.sub("", line))
    if pin is None:
        raise SettingError(f"line {number} of the lock is not NAME==VERSION with hashes: {line[:80]!r}")
    try:
        marker = Marker(pin["marker"]) if pin["marker"] else None
    except InvalidMarker as error:
        raise SettingError(f"line {number} of the lock: {error}") from error
    return Locked(canonicalize_name(pin["name"]), pin["version"], frozenset(hashes), marker)


def check_hashed(lock: Iterable[Locked]) -> None:
    """Raise `SecurityError` for a library that any file of its name may be installed for."""
    if loose := [one.name for one in lock if not one.hashes]:
        raise SecurityError(f"the lock has no hash for {', '.join(loose)}: whatever bears the name would be installed")


def check_wheels(lock: Iterable[Locked], wheels: Iterable[Path]) -> None:
    """Raise `SecurityError` unless each file of `wheels` is one that `lock` names by its hash."""
    known = list(lock)
    for wheel in wheels:
        try:
            name, version, *_ = parse_wheel_filename(wheel.name)
        except InvalidWheelFilename as error:
            raise SecurityError(f"{wheel.name} is no wheel: {error}") from error
        hashes = {one.version: one.hashes for one in known if one.name == name}
        if str(version) not in hashes:
            raise SecurityError(f"{wheel.name}: of {name} the lock knows {', '.join(hashes) or 'nothing'}")
        if (found := sha256(wheel.read_bytes()).hexdigest()) not in hashes[str(version)]:
            raise SecurityError(f"{wheel.name} is not the file that was locked: its SHA-256 is {found}")
