"""A client's session with one meter, as the options of a command describe it."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from openami.io.clock import SystemClock
from openami.io.disk import SystemDisk
from openami.io.keystore.counter_file import CounterFile
from openami.io.links.address import open_link
from openami.io.links.dlms import DlmsClient
from openami.model.errors import SettingError
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.client_settings import ClientSettings
from openami.protocols.dlms.framing import Framing, Role
from openami.protocols.dlms.hdlc.address import HdlcAddress
from openami.protocols.dlms.hdlc.framing import HdlcFraming
from openami.protocols.dlms.security import Secret, SecurityKeys
from openami.protocols.dlms.wrapper import WrapperFraming


class FramingName(StrEnum):
    """What carries the APDUs."""

    WRAPPER = "wrapper"
    HDLC = "hdlc"


class AuthenticationName(StrEnum):
    """How both sides prove who they are."""

    NONE = "none"
    LLS = "lls"
    HLS5 = "hls5"


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """The options, as they were typed; secrets do not show in its text."""

    link: str
    framing: FramingName | None
    client_sap: int
    server_sap: int
    physical_address: int | None
    authentication: AuthenticationName
    password: Secret | None
    encryption_key: Secret | None
    authentication_key: Secret | None
    system_title: str
    meter_system_title: str | None
    general_glo: bool
    invocation_counter: int
    timeout_s: float

    def settings(self) -> ClientSettings:
        """What the association needs; raises `SettingError` that names the option."""
        authentication = Authentication[self.authentication.name]
        if authentication is Authentication.LLS and self.password is None:
            raise SettingError("--authentication lls needs --password")
        keys = None if authentication is Authentication.NONE else self._keys()
        if authentication is Authentication.HLS5 and keys is None:
            raise SettingError("--authentication hls5 needs --encryption-key and --authentication-key")
        peer = self.meter_system_title
        return ClientSettings(
            client_sap=self.client_sap,
            server_sap=self.server_sap,
            authentication=authentication,
            password=self.password,
            keys=keys,
            system_title=octets("--system-title", self.system_title, 8) if keys else b"",
            server_system_title=octets("--meter-system-title", peer, 8) if peer else None,
            use_general_glo=self.general_glo,
            response_timeout_s=self.timeout_s,
        )

    def make_framing(self, *, datagrams: bool) -> Framing:
        """The framing that was asked for; serial lines speak HDLC unless told otherwise."""
        serial = self.link.startswith("serial:")
        if (self.framing or (FramingName.HDLC if serial else FramingName.WRAPPER)) is FramingName.WRAPPER:
            return WrapperFraming(Role.CLIENT, self.client_sap, self.server_sap, datagrams=datagrams)
        return HdlcFraming(Role.CLIENT, self.client_sap, HdlcAddress(self.server_sap, self.physical_address))

    def _keys(self) -> SecurityKeys | None:
        if self.encryption_key is None and self.authentication_key is None:
            return None
        if self.encryption_key is None or self.authentication_key is None:
            raise SettingError("--encryption-key and --authentication-key belong together")
        return SecurityKeys(self.encryption_key.reveal(), self.authentication_key.reveal())


def octets(option: str, text: str, size: int) -> bytes:
    """Hexadecimal text of exactly `size` bytes; raises `SettingError` that names the option, not the value."""
    try:
        value = bytes.fromhex(text)
    except ValueError as error:
        raise SettingError(f"{option} is not hexadecimal") from error
    if len(value) != size:
        raise SettingError(f"{option} has {len(value)} bytes, not {size}")
    return value


@asynccontextmanager
async def open_session(options: SessionOptions) -> AsyncIterator[DlmsClient]:
    """An associated client; it is released and closed at the end."""
    settings = options.settings()
    link = await open_link(options.link)
    counters = CounterFile(_counters_path(), disk=SystemDisk())
    try:
        if settings.keys and options.invocation_counter > counters.load(settings.send_counter_name):
            counters.save(settings.send_counter_name, options.invocation_counter)
        framing = options.make_framing(datagrams=link.datagrams)
        client = DlmsClient(link, framing, settings, clock=SystemClock(), random=secrets.token_bytes, counters=counters)
        async with client:
            yield client
    finally:
        counters.close()


def _counters_path() -> Path:
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    path = Path(state) / "openami" / "counters.journal"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
