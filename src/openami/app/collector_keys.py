"""The file of old meters that a collector reads with keys of its own: who they are, how they are reached, and the keys.

    [[meter]]
    serial = "OLD-1"
    link = "tcp://192.0.2.7:4059"
    password = "12345678"              # low level security, or
    encryption_key = "…"               # with authentication_key: HLS 5, everything ciphered
    authentication_key = "…"
    registers = ["1-0:1.8.0*255"]      # what is read

Only its owner may read the file.
"""

from __future__ import annotations

import secrets
import tomllib
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from openami.field.collector.keyed_meters import KeyedMeter, KeyedMeters
from openami.io.clock import Clock
from openami.io.disk import SystemDisk
from openami.io.keystore.counter_file import CounterFile
from openami.io.links.address import open_link, parse_address
from openami.model.errors import SettingError
from openami.model.obis import ObisCode
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.client_settings import ClientSettings
from openami.protocols.dlms.framing import Framing, Role
from openami.protocols.dlms.hdlc.address import HdlcAddress
from openami.protocols.dlms.hdlc.framing import HdlcFraming
from openami.protocols.dlms.security import Secret, SecurityKeys
from openami.protocols.dlms.wrapper import WrapperFraming
from openami.protocols.zones.collector_reading import REGISTERS_MAX

SYSTEM_TITLE: Final = b"OAMCOL01"
_OTHERS: Final = 0o077
_Key = Annotated[str, Meta(pattern="^([0-9a-fA-F]{32})?$")]
_Sap = Annotated[int, Meta(ge=1, le=16383)]


class _Entry(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    serial: Annotated[str, Meta(min_length=1, max_length=64, pattern="^[^/]+$")]
    link: str
    framing: Literal["wrapper", "hdlc"] = "wrapper"
    client: _Sap = 1
    server: _Sap = 1
    password: str = ""
    encryption_key: _Key = ""
    authentication_key: _Key = ""
    registers: Annotated[tuple[str, ...], Meta(min_length=1, max_length=REGISTERS_MAX)] = (
        "1-0:1.8.0*255",
        "1-0:2.8.0*255",
    )


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    meter: list[_Entry]


def open_keyed_meters(stack: AsyncExitStack, file: Path, every_s: float, clock: Clock) -> KeyedMeters:
    """The meters of `file`; raises `SettingError` that says what is wrong with it. Counters stand beside it."""
    meters = load_keyed_meters(file)
    counters = CounterFile(file.with_name(file.name + ".counters"), disk=SystemDisk())
    stack.callback(counters.close)
    return KeyedMeters(meters, clock, secrets.token_bytes, counters, every_s=every_s)


def load_keyed_meters(file: Path) -> list[KeyedMeter]:
    """The meters of `file`."""
    try:
        if file.stat().st_mode & _OTHERS:
            raise SettingError(f"collector.keyed_meters {file} holds keys and others may read it: chmod 600 {file}")
        entries = msgspec.convert(tomllib.loads(file.read_text()), _File).meter
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError, OSError) as error:
        raise SettingError(f"collector.keyed_meters {file}: {error}") from error
    serials = [entry.serial for entry in entries]
    if twice := [serial for serial in serials if serials.count(serial) > 1]:
        raise SettingError(f"collector.keyed_meters {file}: meter {twice[0]} stands there twice")
    return [_meter(entry, file) for entry in entries]


def _meter(entry: _Entry, file: Path) -> KeyedMeter:
    parse_address(entry.link)
    try:
        registers = [ObisCode.parse(code) for code in entry.registers]
    except ValueError as error:
        raise SettingError(f"collector.keyed_meters {file}, meter {entry.serial}: {error}") from error
    return KeyedMeter(
        entry.serial,
        partial(open_link, entry.link),
        partial(_framing, entry.framing, entry.client, entry.server),
        _settings(entry, file),
        registers,
    )


def _framing(kind: str, client: int, server: int) -> Framing:
    if kind == "hdlc":
        return HdlcFraming(Role.CLIENT, client, HdlcAddress(server))
    return WrapperFraming(Role.CLIENT, client, server)


def _settings(entry: _Entry, file: Path) -> ClientSettings:
    ciphered = bool(entry.encryption_key and entry.authentication_key)
    if not ciphered and not entry.password:
        raise SettingError(f"collector.keyed_meters {file}, meter {entry.serial}: give a password, or both keys")
    if not ciphered:
        password = Secret(entry.password.encode())
        return ClientSettings(
            client_sap=entry.client, server_sap=entry.server, authentication=Authentication.LLS, password=password
        )
    keys = SecurityKeys(bytes.fromhex(entry.encryption_key), bytes.fromhex(entry.authentication_key))
    return ClientSettings(
        client_sap=entry.client,
        server_sap=entry.server,
        authentication=Authentication.HLS5,
        keys=keys,
        system_title=SYSTEM_TITLE,
        counter_name=f"dlms/{SYSTEM_TITLE.hex()}/{entry.serial}/sent",
    )
