"""Companion profiles: which objects a type of meter has, of which class and version, and who may do what.

A profile is a TOML file:

    name = "…"                    # what it is called
    description = "…"             # what it describes
    source = "…"                  # where its facts are from
    extra = "allowed"             # or "reported": objects that it does not name

    [clients.1]                   # by client SAP
    name = "management"
    authentication = "hls5"       # none, lls, hls2 to hls7; left out: any

    [[objects]]
    logical_name = "1-0:1.8.0*255"
    class_id = 3
    version = 0                   # or a list of those that will do; left out: any
    clients = [1, 2]              # who sees it; left out: every client but the public one (16)
    optional = true               # it need not be there
    attributes = { 2 = "r", 3 = "r" }    # r, w, rw, -; a "+" behind it allows more
    methods = { 1 = "x" }                # x, -
    access.2 = { attributes = { 2 = "r" } }   # what differs for one client
    values = { 2 = "0600000000" }  # A-XDR in hexadecimal: what a meter that plays the profile answers
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from openami.model.errors import DecodeError, SettingError
from openami.model.obis import ObisCode
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.data import decode_data

PUBLIC_CLIENT = 16
CLASS_MAX, MEMBER_MAX, CLIENT_MAX = 0xFFFF, 127, 127
RIGHTS = ("-", "r", "w", "rw")
METHOD_RIGHTS = ("-", "x")


@dataclass(frozen=True, slots=True)
class ProfileClient:
    """A client of the profile; `authentication` is `None` where the profile leaves it open."""

    client_sap: int
    name: str = ""
    authentication: Authentication | None = None


@dataclass(frozen=True, slots=True)
class MemberRights:
    """The rights that a client has to have, by attribute_id and by method_id."""

    attributes: Mapping[int, str] = field(default_factory=dict)
    methods: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProfileObject:
    """An object that the profile names; an empty `versions` leaves the version open."""

    logical_name: ObisCode
    class_id: int
    versions: tuple[int, ...]
    clients: frozenset[int] | None
    optional: bool
    rights: MemberRights
    access: Mapping[int, MemberRights]
    values: Mapping[int, bytes] = field(default_factory=dict)

    def seen_by(self, client_sap: int) -> bool:
        """Whether the client sees the object."""
        return client_sap != PUBLIC_CLIENT if self.clients is None else client_sap in self.clients

    def rights_of(self, client_sap: int) -> MemberRights:
        """The rights of one client: those of all clients, and what differs for this one."""
        own = self.access.get(client_sap)
        if own is None:
            return self.rights
        return MemberRights({**self.rights.attributes, **own.attributes}, {**self.rights.methods, **own.methods})


@dataclass(frozen=True, slots=True)
class CompanionProfile:
    """A type of meter; `extra_reported` says that objects beyond the profile are deviations."""

    name: str
    description: str
    source: str
    extra_reported: bool
    clients: Mapping[int, ProfileClient]
    objects: tuple[ProfileObject, ...]


def load_profile(text: str, where: str) -> CompanionProfile:
    """Read a profile from TOML; raise `SettingError` that says what is wrong with which entry of `where`."""
    try:
        said = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingError(f"{where} is not TOML: {error}") from error
    table = _Table(said, where)
    extra = table.choice("extra", ("allowed", "reported"), "allowed")
    clients = {number: _client(number, part) for number, part in table.numbered("clients", required=True).items()}
    objects = tuple(_object(part, clients) for part in table.tables("objects"))
    seen: set[ObisCode] = set()
    for one in objects:
        if one.logical_name in seen:
            raise SettingError(f"{where}: {one.logical_name} is named twice")
        seen.add(one.logical_name)
    profile = CompanionProfile(
        table.text("name"),
        table.text("description", ""),
        table.text("source", ""),
        extra == "reported",
        clients,
        objects,
    )
    table.finish()
    return profile


class _Table:
    """One table of the file: each value is asked for once, and nothing may be left over."""

    def __init__(self, values: Mapping[str, Any], where: str) -> None:
        self._values = dict(values)
        self.where = where

    def take(self, key: str, kind: type | tuple[type, ...], default: Any = ...) -> Any:
        value = self._values.pop(key, default)
        if value is ...:
            raise SettingError(f"{self.where}: {key} is missing")
        if value is not default and (not isinstance(value, kind) or (isinstance(value, bool) and kind is int)):
            raise SettingError(f"{self.where}: {key} is {value!r}, which is not what stands there")
        return value

    def text(self, key: str, default: Any = ...) -> str:
        return str(self.take(key, str, default))

    def choice(self, key: str, allowed: tuple[str, ...], default: str) -> str:
        value = self.text(key, default)
        if value not in allowed:
            raise SettingError(f"{self.where}: {key} is {value!r}, must be one of {', '.join(allowed)}")
        return value

    def integers(self, key: str, highest: int) -> tuple[int, ...] | None:
        value = self.take(key, (int, list), None)
        if value is None:
            return None
        values = value if isinstance(value, list) else [value]
        if not all(isinstance(one, int) and not isinstance(one, bool) and 0 <= one <= highest for one in values):
            raise SettingError(
                f"{self.where}: {key} is {value!r}, must be a number or a list of numbers from 0 to {highest}"
            )
        return tuple(values)

    def tables(self, key: str) -> list[_Table]:
        parts = self.take(key, list)
        for number, part in enumerate(parts, 1):
            if not isinstance(part, dict):
                raise SettingError(f"{self.where}: {key} number {number} is {part!r}, must be a table ([[{key}]])")
        return [
            _Table(part, f"{self.where}: {key} number {number} ({part.get('logical_name', 'without a name')})")
            for number, part in enumerate(parts, 1)
        ]

    def numbered(self, key: str, *, required: bool = False) -> dict[int, _Table]:
        parts = self.take(key, dict, ... if required else {})
        found = {}
        for number, part in parts.items():
            if not _is_number(number, CLIENT_MAX) or not isinstance(part, dict):
                raise SettingError(f"{self.where}: {key}.{number} must be a table with a number as its name")
            found[int(number)] = _Table(part, f"{self.where}: {key}.{number}")
        return found

    def rights(self, key: str, allowed: tuple[str, ...]) -> dict[int, str]:
        rights = {}
        for number, value in self.take(key, dict, {}).items():
            if (
                not _is_number(number, MEMBER_MAX)
                or not isinstance(value, str)
                or value.removesuffix("+") not in allowed
            ):
                raise SettingError(f"{self.where}: {key}.{number} is {value!r}, must be one of {', '.join(allowed)}")
            rights[int(number)] = value
        return rights

    def values(self, key: str) -> dict[int, bytes]:
        values = {}
        for number, value in self.take(key, dict, {}).items():
            try:
                if not _is_number(number, MEMBER_MAX):
                    raise ValueError(f"{number} is no number of an attribute")
                values[int(number)] = bytes.fromhex(value)
                decode_data(values[int(number)])
            except (TypeError, ValueError, DecodeError) as error:
                raise SettingError(f"{self.where}: {key}.{number} is {value!r}, no A-XDR value: {error}") from error
        return values

    def finish(self) -> None:
        if self._values:
            raise SettingError(f"{self.where}: {', '.join(self._values)} is not known here")


def _is_number(text: str, highest: int) -> bool:
    return text.isascii() and text.isdigit() and int(text) <= highest


def _client(number: int, table: _Table) -> ProfileClient:
    names = tuple(one.name.lower() for one in Authentication)
    authentication = table.choice("authentication", (*names, ""), "")
    client = ProfileClient(
        number, table.text("name", ""), Authentication[authentication.upper()] if authentication else None
    )
    table.finish()
    return client


def _object(table: _Table, clients: Mapping[int, ProfileClient]) -> ProfileObject:
    try:
        name = ObisCode.parse(table.text("logical_name"))
    except ValueError as error:
        raise SettingError(f"{table.where}: {error}") from error
    versions, seen_by = table.integers("version", 255), table.integers("clients", CLIENT_MAX)
    class_id = table.take("class_id", int)
    if not 0 <= class_id <= CLASS_MAX:
        raise SettingError(f"{table.where}: class_id is {class_id}, must be 0 to {CLASS_MAX}")
    access = {number: _rights(part) for number, part in table.numbered("access").items()}
    one = ProfileObject(
        name,
        class_id,
        versions or (),
        None if seen_by is None else frozenset(seen_by),
        table.take("optional", bool, False),
        MemberRights(table.rights("attributes", RIGHTS), table.rights("methods", METHOD_RIGHTS)),
        access,
        table.values("values"),
    )
    unknown = {*access, *(one.clients or ())} - set(clients)
    if unknown:
        raise SettingError(f"{table.where}: client {', '.join(map(str, sorted(unknown)))} is not one of [clients]")
    table.finish()
    return one


def _rights(table: _Table) -> MemberRights:
    rights = MemberRights(table.rights("attributes", RIGHTS), table.rights("methods", METHOD_RIGHTS))
    table.finish()
    return rights
