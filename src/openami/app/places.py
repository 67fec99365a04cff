"""The guard's own table of meters: where they hang, what they draw, and the keys that envelopes are sealed with."""

from __future__ import annotations

import csv
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

from openami.app.installation import Installation
from openami.app.sealing_keys import WRAPPING_LABEL, SealingKeys, first_line
from openami.backoffice.guard.network import Place
from openami.io.disk import SystemDisk
from openami.io.keystore.file_keystore import FileKeystore
from openami.io.keystore.hsm import Hsm
from openami.io.keystore.wrapped_keystore import WrappedKeystore
from openami.model.errors import SecurityError, SettingError
from openami.protocols.dlms.asymmetric import PublicKey, decode_point, encode_point
from openami.protocols.dlms.security import SecuritySuite
from openami.protocols.seal.closing import Recipient

PLACE_COLUMNS: Final = ("system_title", "operator", "feeder", "transformer", "power_w", "protected", "agreement")


def read_places(file: Path) -> tuple[dict[bytes, Place], dict[bytes, PublicKey]]:
    """Where meters hang, and their public agreement keys. Raises `SettingError` that names the line.

    Columns: system_title, operator, feeder, transformer, power_w, protected (yes or empty), agreement (128 hex digits).
    """
    places: dict[bytes, Place] = {}
    points: dict[bytes, PublicKey] = {}
    with file.open(encoding="utf-8", newline="") as text:
        reader = csv.DictReader(text, strict=True)
        for row in reader:
            try:
                title = bytes.fromhex(row["system_title"])
                points[title] = decode_point(bytes.fromhex(row["agreement"]), SecuritySuite.SUITE_1)
                places[title] = Place(
                    row["operator"],
                    row["feeder"],
                    row["transformer"],
                    int(row["power_w"]),
                    protected=row["protected"] == "yes",
                )
            except (KeyError, TypeError, ValueError, SecurityError) as error:
                raise SettingError(f"{file}, line {reader.line_num}: {error}") from error
    return places, points


def add_place(installation: Installation, system_title: bytes, place: Place, agreement: PublicKey) -> None:
    """A new line of the table; raises `SettingError` if the meter stands there already."""
    file = installation.path(installation.settings.guard.places)
    if system_title in read_places(file)[0]:
        raise SettingError(f"meter {system_title.hex()} stands in {file} already: nothing was changed")
    point = encode_point(agreement).hex()
    protected = "yes" if place.protected else ""
    fields = (system_title.hex(), place.operator, place.feeder, place.transformer, place.power_w, protected, point)
    with file.open("a", encoding="utf-8", newline="") as text:
        csv.writer(text, lineterminator="\n").writerow(fields)


def recipients(
    installation: Installation, keys: SealingKeys, points: dict[bytes, PublicKey]
) -> Callable[[bytes], Recipient]:
    """Finds a meter's keys; it raises `SecurityError` for one that is not among the places."""
    store = envelope_keys(installation, keys)

    def recipient(title: bytes) -> Recipient:
        if title not in points:
            raise SecurityError(f"meter {title.hex()} is not among the guard's places: nothing is sealed for it")
        return Recipient(title, points[title], store.meter_keys(title).authentication_key)

    return recipient


def envelope_keys(installation: Installation, keys: SealingKeys) -> WrappedKeystore | FileKeystore:
    """The guard's store of the keys that it shares with meters: wrapped under its token, or in an encrypted file."""
    settings = installation.settings.guard
    path, disk = installation.path(settings.keystore), SystemDisk()
    if isinstance(keys, Hsm):
        return WrappedKeystore(path, keys.wrapping(WRAPPING_LABEL), disk=disk)
    passphrase = first_line(installation.path(settings.passphrase_file))
    return FileKeystore(path, passphrase, disk=disk, random=secrets.token_bytes)


def feeder(entry: str) -> tuple[str, int]:
    """NAME=watts of a setting; raises `SettingError`."""
    name, _, watts = entry.rpartition("=")
    if not name or not watts.isdecimal():
        raise SettingError(f"guard.feeders holds {entry!r}; write NAME=watts")
    return name, int(watts)


def protected_titles(installation: Installation, file: str) -> frozenset[bytes]:
    """The meters in the file of protected customers that a setting names; none without a file."""
    if not file:
        return frozenset()
    lines = installation.path(file).read_text(encoding="utf-8").split()
    return frozenset(bytes.fromhex(line) for line in lines)
