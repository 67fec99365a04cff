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

from openami.model.errors import SettingError
from openami.model.obis import ObisCode
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.companion.toml_table import CLIENT_MAX, TomlTable

PUBLIC_CLIENT = 16
CLASS_MAX = 0xFFFF
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
    table = TomlTable(said, where)
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


def _client(number: int, table: TomlTable) -> ProfileClient:
    names = tuple(one.name.lower() for one in Authentication)
    authentication = table.choice("authentication", (*names, ""), "")
    client = ProfileClient(
        number, table.text("name", ""), Authentication[authentication.upper()] if authentication else None
    )
    table.finish()
    return client


def _object(table: TomlTable, clients: Mapping[int, ProfileClient]) -> ProfileObject:
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


def _rights(table: TomlTable) -> MemberRights:
    rights = MemberRights(table.rights("attributes", RIGHTS), table.rights("methods", METHOD_RIGHTS))
    table.finish()
    return rights
