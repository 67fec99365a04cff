"""From one installation a folder for each part: its settings, its certificate, its keys, and nothing of the others.

The keys of authority, guard, logs and witness are made here and told to those who have to know their public halves.
Who does not trust the machine on which this runs makes them anew in the part's folder and tells them by other ways.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import copy2
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from openami.app.installation import Installation
from openami.app.places import PLACE_COLUMNS
from openami.app.sealing_keys import AGREEMENT_LABEL, ROLES, WRAPPING_LABEL, ed25519_key, open_sealing_keys
from openami.app.section import Section
from openami.app.settings import SETTINGS_FILE, Settings, write_settings
from openami.app.witnessing import log_key_file
from openami.io.keystore.certificates import write_private
from openami.io.keystore.hsm import Hsm
from openami.model.errors import SettingError
from openami.protocols.dlms.asymmetric import encode_point

PARTS: Final = ("authority", "guard", "witness", "operations", "portal", "headend")
SECTIONS: Final = {
    "authority": ("authority",),
    "guard": ("guard",),
    "witness": ("witness",),
    "operations": ("store", "keystore", "operations", "audit", "privacy", "mdm"),
    "portal": ("store", "audit", "privacy", "mdm"),
    "headend": ("headend",),
}


@dataclass(frozen=True, slots=True)
class Separated:
    """The folders that were made, by part."""

    folders: dict[str, Path]


def separate(plant: Installation, folder: Path, operators: Sequence[str], planners: Sequence[str]) -> Separated:
    """Make the folders below `folder`. `operators` may ask and approve, `planners` sign emergency plans.

    Raises `SettingError` if one is there already: nothing is ever overwritten.
    """
    if there := [part for part in PARTS if (folder / part).exists()]:
        raise SettingError(f"{folder / there[0]} is there already; nothing was changed")
    settings = _told(plant, operators, planners)
    made = {part: Installation((folder / part).resolve(), _of_part(settings, part)) for part in PARTS}
    for part, one in made.items():
        one.folder.mkdir(parents=True)
        _copy(plant, one, _files(settings, part))
    made = _with_keys(made)
    for one in made.values():
        (one.folder / SETTINGS_FILE).write_text(write_settings(one.settings), encoding="utf-8")
    return Separated({part: one.folder for part, one in made.items()})


def _told(plant: Installation, operators: Sequence[str], planners: Sequence[str]) -> Settings:
    """All settings, each part knowing where the others are."""
    every = plant.settings
    roles = tuple(one.label for one in ROLES)
    return msgspec.structs.replace(
        every,
        store=msgspec.structs.replace(every.store, url=plant.store_url()),
        authority=msgspec.structs.replace(
            every.authority, operators=tuple(operators) or every.authority.operators, roles=roles
        ),
        guard=msgspec.structs.replace(every.guard, planners=tuple(planners) or every.guard.planners),
        audit=msgspec.structs.replace(
            every.audit,
            authority=every.authority.listen,
            guard=every.guard.listen,
            witness=every.witness.listen,
        ),
        portal=msgspec.structs.replace(every.portal, operations=every.operations.listen),
    )


def _of_part(settings: Settings, part: str) -> Settings:
    """Only what the part needs; what it does not need stands there as it is by default."""
    needed = (*SECTIONS[part], "portal", "zones")
    sections: dict[str, Section] = {name: getattr(settings, name) for name in needed}
    return msgspec.structs.replace(Settings(), **sections)


def _files(settings: Settings, part: str) -> list[str]:
    """The files that a part needs of the installation, as the settings name them; some may not be there yet."""
    zones, keystore, portal = settings.zones, settings.keystore, settings.portal
    own = {
        "authority": [settings.authority.certificate],
        "guard": [settings.guard.certificate],
        "witness": [settings.witness.certificate],
        "operations": [
            zones.operations_certificate,
            zones.operations_key,
            settings.operations.certificate,
            keystore.path,
            keystore.passphrase_file,
            keystore.pending,
            keystore.counters,
        ],
        "portal": [portal.certificate, portal.key, portal.zone_certificate],
        "headend": [zones.headend_certificate, zones.headend_key],
    }
    return [zones.authority, *own[part]]


def _copy(plant: Installation, part: Installation, files: list[str]) -> None:
    for name in files:
        source, target = plant.path(name), part.path(name)
        if source.exists():
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            copy2(source, target)


def _with_keys(parts: dict[str, Installation]) -> dict[str, Installation]:
    """Each part's keys made in its folder, and their public halves in the settings of those who need them."""
    name = parts["guard"].settings.portal.name
    operator, custodian = (_sealing_key(parts["authority"], one.label) for one in ROLES)
    _sealing_key(parts["guard"], AGREEMENT_LABEL)
    settings = parts["guard"].settings
    parts["guard"].path(settings.guard.places).write_text(",".join(PLACE_COLUMNS) + "\n", encoding="utf-8")
    records = {
        "authority": parts["authority"].settings.authority.records,
        "guard": settings.guard.records,
        "operations": parts["operations"].settings.operations.records,
        "portal": parts["portal"].settings.portal.records,
    }
    logs = tuple(f"{name}/{part}={_log_key(parts[part], folder)}" for part, folder in records.items())
    commands = parts["operations"].settings.audit.commands
    commanded = f"{name}/commands={_log_key(parts['operations'], commands)}"
    witness_key = _text(ed25519_key(parts["witness"].path(parts["witness"].settings.witness.key)).public_key())
    changes: dict[str, tuple[str, dict[str, object]]] = {
        "guard": ("guard", {"authority_key": operator, "custodian_key": custodian}),
        "witness": ("witness", {"logs": (*logs, commanded)}),
        "operations": ("audit", {"logs": logs, "witness_key": witness_key}),
        "portal": ("audit", {"logs": logs, "witness_key": witness_key}),
    }
    return {
        part: _changed(one, *changes[part]) if part in changes else one  # the others hold nobody's public key
        for part, one in parts.items()
    }


def _changed(part: Installation, section: str, values: dict[str, object]) -> Installation:
    new = msgspec.structs.replace(getattr(part.settings, section), **values)
    return Installation(part.folder, msgspec.structs.replace(part.settings, **{section: new}))


def _sealing_key(part: Installation, label: str) -> str:
    """Make a key of authority or guard where its settings say; x and y of the public half in hexadecimal."""
    settings = part.settings.guard if label == AGREEMENT_LABEL else part.settings.authority
    passphrase = part.path(settings.passphrase_file)
    if not passphrase.exists():
        write_private(passphrase, secrets.token_hex(16).encode() + b"\n")
    keys = open_sealing_keys(part, settings.keys, settings.passphrase_file)
    if isinstance(keys, Hsm) and label == AGREEMENT_LABEL:
        keys.make_wrapping_key(WRAPPING_LABEL)
    return encode_point(keys.make_key(label)).hex()


def _log_key(part: Installation, records: str) -> str:
    part.path(records).mkdir(mode=0o700, parents=True, exist_ok=True)
    return _text(ed25519_key(log_key_file(part, records)).public_key())


def _text(key: Ed25519PublicKey) -> str:
    return key.public_bytes_raw().hex()
