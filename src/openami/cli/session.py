"""A client's session with one meter, as the options of a command describe it."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from openami.cli.hexadecimal import octets
from openami.cli.key_files import KeyFiles
from openami.io.clock import SystemClock
from openami.io.disk import SystemDisk
from openami.io.keystore.counter_file import CounterFile
from openami.io.keystore.tls import client_context
from openami.io.links.address import open_link
from openami.io.links.dlms import DlmsClient
from openami.model.errors import LinkError, SettingError
from openami.protocols.dlms.asymmetric import AsymmetricKeys
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.client_settings import ClientSettings
from openami.protocols.dlms.counters import Counters, MemoryCounters
from openami.protocols.dlms.errors import AssociationRejected
from openami.protocols.dlms.framing import Framing, Role
from openami.protocols.dlms.general_ciphering import KeyChoice
from openami.protocols.dlms.hdlc.address import HdlcAddress
from openami.protocols.dlms.hdlc.framing import HdlcFraming
from openami.protocols.dlms.hls_proof import aes_function
from openami.protocols.dlms.policy import SecurityPolicy
from openami.protocols.dlms.security import SYSTEM_TITLE_SIZE, Secret, SecurityControl, SecurityKeys, SecuritySuite
from openami.protocols.dlms.wrapper import WrapperFraming

MANUFACTURER = b"OAI"
"""The first three bytes of our clients' system titles."""


class FramingName(StrEnum):
    """What carries the APDUs."""

    WRAPPER = "wrapper"
    HDLC = "hdlc"


class AuthenticationName(StrEnum):
    """How both sides prove who they are."""

    NONE = "none"
    LLS = "lls"
    HLS2 = "hls2"
    HLS3 = "hls3"
    HLS4 = "hls4"
    HLS5 = "hls5"
    HLS6 = "hls6"
    HLS7 = "hls7"


class KeyChoiceName(StrEnum):
    """How general-ciphering names its key."""

    IDENTIFIED = "identified"
    WRAPPED = "wrapped"
    ONE_PASS = "one-pass"
    STATIC = "static"


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
    system_title: str | None
    meter_system_title: str | None
    general_glo: bool
    invocation_counter: int
    timeout_s: float
    authority: Path | None = None
    suite: SecuritySuite = SecuritySuite.SUITE_0
    hls_secret: Secret | None = None
    master_key: Secret | None = None
    key_files: KeyFiles = field(default_factory=KeyFiles)
    key_choice: KeyChoiceName | None = None
    sign: bool = False
    allow_weak: bool = False

    def settings(self) -> ClientSettings:
        """What the association needs; raises `SettingError` that names the option."""
        authentication = Authentication[self.authentication.name]
        keys = None if authentication is Authentication.NONE else self._keys()
        asymmetric = self.key_files.load(self.suite)
        self._check_complete(authentication, keys, asymmetric)
        peer, own, by_function = self.meter_system_title, b"", authentication is Authentication.HLS2
        if keys is not None or authentication.needs_system_titles:
            own = own_system_title() if self.system_title is None else octets("--system-title", self.system_title, 8)
        return ClientSettings(
            client_sap=self.client_sap,
            server_sap=self.server_sap,
            authentication=authentication,
            password=self.password,
            keys=keys,
            system_title=own,
            server_system_title=octets("--meter-system-title", peer, 8) if peer else None,
            use_general_glo=self.general_glo,
            response_timeout_s=self.timeout_s,
            counter_name=f"dlms/{own.hex()}/sent",
            hls_secret=self.hls_secret,
            hls_function=aes_function(self.hls_secret) if by_function and self.hls_secret is not None else None,
            asymmetric=asymmetric,
            key_choice=None if self.key_choice is None else KeyChoice[self.key_choice.name],
            policy=_SIGNED if self.sign else None,
            weak_hashes_allowed=self.allow_weak,
        )

    def _check_complete(
        self, authentication: Authentication, keys: SecurityKeys | None, asymmetric: AsymmetricKeys | None
    ) -> None:
        """Raise `SettingError` that says which option is missing."""
        name = f"--authentication {self.authentication.value}"
        if authentication is Authentication.LLS and self.password is None:
            raise SettingError(f"{name} needs --password")
        if authentication is Authentication.HLS5 and keys is None:
            raise SettingError(f"{name} needs --encryption-key and --authentication-key")
        if authentication in _BY_SECRET and self.hls_secret is None:
            raise SettingError(f"{name} needs --hls-secret")
        if authentication in _WEAK and not self.allow_weak:
            raise SettingError(f"{name} proves by a hash that is broken; --allow-weak takes it nevertheless")
        signs = asymmetric is not None and None not in (asymmetric.signing, asymmetric.peer_signing)
        if authentication is Authentication.HLS7 and not signs:
            raise SettingError(f"{name} needs --signing-key and --meter-signing-certificate")
        if (self.key_choice is not None or self.sign) and keys is None:
            raise SettingError("--general-ciphering and --sign need --encryption-key and --authentication-key")
        if self.sign and not signs:
            raise SettingError("--sign needs --signing-key and --meter-signing-certificate")

    def make_framing(self, *, datagrams: bool) -> Framing:
        """The framing that was asked for; serial lines speak HDLC unless told otherwise."""
        if self.framing_name is FramingName.WRAPPER:
            return WrapperFraming(Role.CLIENT, self.client_sap, self.server_sap, datagrams=datagrams)
        return HdlcFraming(Role.CLIENT, self.client_sap, HdlcAddress(self.server_sap, self.physical_address))

    @property
    def framing_name(self) -> FramingName:
        """The framing that was asked for, or the usual one of the link."""
        return self.framing or (FramingName.HDLC if self.link.startswith("serial:") else FramingName.WRAPPER)

    def _keys(self) -> SecurityKeys | None:
        if self.encryption_key is None and self.authentication_key is None:
            return None
        if self.encryption_key is None or self.authentication_key is None:
            raise SettingError("--encryption-key and --authentication-key belong together")
        master = None if self.master_key is None else self.master_key.reveal()
        return SecurityKeys(
            self.encryption_key.reveal(), self.authentication_key.reveal(), suite=self.suite, master_key=master
        )


_BY_SECRET = (Authentication.HLS2, Authentication.HLS3, Authentication.HLS4, Authentication.HLS6)
_WEAK = (Authentication.HLS3, Authentication.HLS4)
_SIGNED = SecurityPolicy(
    SecurityControl.AUTHENTICATED_ENCRYPTION,
    SecurityControl.AUTHENTICATED_ENCRYPTION,
    request_signed=True,
    response_signed=True,
)


def own_system_title() -> bytes:
    """The system title of this user on this machine, made at first use: no counters of others collide with ours."""
    file = _state_folder() / "system-title"
    try:
        return octets(str(file), file.read_text(encoding="ascii").strip(), SYSTEM_TITLE_SIZE)
    except FileNotFoundError:
        title = MANUFACTURER + secrets.token_bytes(SYSTEM_TITLE_SIZE - len(MANUFACTURER))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(title.hex() + "\n", encoding="ascii")
        return title


def _state_folder() -> Path:
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "openami"


@asynccontextmanager
async def open_session(options: SessionOptions) -> AsyncIterator[DlmsClient]:
    """An associated client; it is released and closed at the end.

    Raises `SettingError` with what to try when the meter is there but the association fails.
    """
    settings = options.settings()
    with _counters(settings) as counters:
        if settings.keys and options.invocation_counter > counters.load(settings.send_counter_name):
            counters.save(settings.send_counter_name, options.invocation_counter)
        tls = client_context(options.authority) if options.authority else None
        link = await open_link(options.link, tls=tls)
        framing = options.make_framing(datagrams=link.datagrams)
        client = DlmsClient(link, framing, settings, clock=SystemClock(), random=secrets.token_bytes, counters=counters)
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(client)
            except (LinkError, AssociationRejected) as error:
                raise SettingError(f"{error}{_advice(error, options)}") from error
            yield client


@contextmanager
def _counters(settings: ClientSettings) -> Iterator[Counters]:
    """Our invocation counters: a journal for each key, so that meters with keys of their own are read side by side."""
    if settings.keys is None:
        yield MemoryCounters()
        return
    journal = _state_folder() / f"{_fingerprint(settings.keys.global_unicast_encryption_key)}.journal"
    counters = CounterFile(journal, disk=SystemDisk())
    try:
        yield counters
    finally:
        counters.close()


def _fingerprint(key: bytes) -> str:
    """Names a key without giving it away."""
    return hashlib.sha256(b"openami counters of " + key).hexdigest()[:16]


def _advice(error: Exception, options: SessionOptions) -> str:
    """What to try besides what the error says itself."""
    if isinstance(error, AssociationRejected):
        return ""
    return f"; are --framing {options.framing_name} and --server {options.server_sap} right?"
