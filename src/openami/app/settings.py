"""The configuration file: one declared section per part, written with its comments by `openami init`."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
from msgspec import Meta

from openami.app.field_sections import Collector, Headend
from openami.app.office_sections import Audit, Keystore, Mdm, Operations, Portal, Privacy, Store
from openami.app.section import Section
from openami.app.zone_sections import Authority, Guard, Witness, Zones
from openami.model.errors import SettingError

SETTINGS_FILE = "openami.toml"
INTRODUCTION = """\
# OpenAMI: settings of this installation.
# Every setting stands here with its default. Paths are relative to this file.
"""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole file."""

    store: Store = Store()
    keystore: Keystore = Keystore()
    headend: Headend = Headend()
    collector: Collector = Collector()
    operations: Operations = Operations()
    audit: Audit = Audit()
    portal: Portal = Portal()
    privacy: Privacy = Privacy()
    mdm: Mdm = Mdm()
    zones: Zones = Zones()
    authority: Authority = Authority()
    guard: Guard = Guard()
    witness: Witness = Witness()


def load_settings(path: Path) -> Settings:
    """Read a configuration file; raise `SettingError` that names the file, the setting and what is wrong."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingError(f"{path}: {error.strerror}; write one with: openami init") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"{path}: {error}") from error
    try:
        return msgspec.convert(table, Settings)
    except msgspec.ValidationError as error:
        raise SettingError(f"{path}: {error}") from error


def write_settings(settings: Settings) -> str:
    """The text of the configuration file, every setting with its comment."""
    lines = [INTRODUCTION]
    for section, values in sections(settings):
        lines += [f"# {_first_line(values)}", f"[{section}]"]
        for name, description, value in fields(values):
            lines += [f"# {description}", f"{name} = {_toml(value)}"]
        lines.append("")
    return "\n".join(lines)


def sections(settings: Settings) -> Iterator[tuple[str, Section]]:
    """The sections in the order of the file."""
    for name in settings.__struct_fields__:
        yield name, getattr(settings, name)


def fields(section: Section) -> Iterator[tuple[str, str, object]]:
    """Name, description and value of each setting of a section."""
    hints = get_type_hints(type(section), include_extras=True)
    for name in section.__struct_fields__:
        yield name, _description(hints[name]), getattr(section, name)


def address(text: str, setting: str) -> tuple[str, int]:
    """Split `host:port`; raise `SettingError` that names the setting."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65_535:
        raise SettingError(f"{setting} is {text!r}; write host:port, for example 127.0.0.1:4058")
    return host.strip("[]"), int(port)


def _description(hint: Any) -> str:
    return next(extra.description for extra in hint.__metadata__ if isinstance(extra, Meta) and extra.description)


def _first_line(section: Section) -> str:
    return (type(section).__doc__ or "").splitlines()[0]


def _toml(value: object) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return json.dumps(value)
