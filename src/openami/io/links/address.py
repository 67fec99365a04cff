"""Links by address: `tcp://host:port`, `tls://host:port`, `udp://host:port`, `serial:///dev/ttyUSB0?baudrate=9600`."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

from openami.io.links.link import Link
from openami.io.links.optical import sign_on
from openami.io.links.serial import SerialSettings, open_serial, serial_settings
from openami.io.links.tcp import CONNECT_TIMEOUT_S, connect_tcp
from openami.io.links.udp import connect_udp
from openami.model.errors import SettingError

DLMS_PORT = 4059
"""The registered port of DLMS/COSEM, used where an address gives none."""
SCHEMES = ("tcp", "tls", "udp", "serial")


@dataclass(frozen=True, slots=True)
class NetworkAddress:
    """`scheme` is tcp, tls or udp."""

    scheme: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class SerialAddress:
    """`optical`: sign on in mode E before HDLC is spoken; the settings are then the meter's to say."""

    device: str
    settings: SerialSettings
    optical: bool = False


def parse_address(text: str) -> NetworkAddress | SerialAddress:
    """What an address names; raise `SettingError` that says which part is wrong."""
    scheme, separator, _ = text.partition("://")
    if not separator or scheme not in SCHEMES:
        known = ", ".join(f"{each}://" for each in SCHEMES)
        raise SettingError(f"address {text!r}: must begin with one of {known}")
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise SettingError(f"address {text!r}: {error}") from error
    if scheme == "serial":
        return _serial(text, parts.netloc, parts.path, parts.query)
    try:
        port = parts.port
    except ValueError as error:
        raise SettingError(f"address {text!r}: the port must be a number from 1 to 65535") from error
    if port == 0:
        raise SettingError(f"address {text!r}: the port must be a number from 1 to 65535")
    if not parts.hostname:
        raise SettingError(f"address {text!r}: the host is missing")
    if parts.path not in {"", "/"} or parts.query or parts.fragment or parts.username is not None:
        raise SettingError(f"address {text!r}: nothing may stand beside host and port")
    return NetworkAddress(scheme, parts.hostname, DLMS_PORT if port is None else port)


def _serial(text: str, netloc: str, path: str, query: str) -> SerialAddress:
    if netloc or len(path) < 2:
        raise SettingError(f"address {text!r}: the device is written with three slashes, as in serial:///dev/ttyUSB0")
    pairs = parse_qsl(query, keep_blank_values=True)
    modes = [value for name, value in pairs if name == "mode"]
    if len(modes) > 1 or any(mode not in {"E", "HDLC"} for mode in modes):
        raise SettingError(f"mode={'&mode='.join(modes)}: must be E (optical head) or HDLC (the default)")
    settings = serial_settings(urlencode([pair for pair in pairs if pair[0] != "mode"]))
    return SerialAddress(path, settings, modes == ["E"])


async def open_link(address: str, *, timeout_s: float = CONNECT_TIMEOUT_S, tls: ssl.SSLContext | None = None) -> Link:
    """Open the link that `address` names; `tls` is needed for `tls://` and used for nothing else.

    Raises `SettingError` for a wrong address, `LinkError` if there is no way, `DecodeError` if an optical sign-on
    fails.
    """
    parsed = parse_address(address)
    if isinstance(parsed, SerialAddress):
        return await _open_serial(parsed)
    if parsed.scheme == "udp":
        return await connect_udp(parsed.host, parsed.port)
    if parsed.scheme == "tcp":
        return await connect_tcp(parsed.host, parsed.port, timeout_s=timeout_s)
    if tls is None:
        raise SettingError(f"address {address!r}: TLS needs an authority to trust, and none is given")
    return await connect_tcp(parsed.host, parsed.port, timeout_s=timeout_s, tls=tls)


async def open_line(address: str, settings: str) -> Link:
    """The same; a serial line that says nothing of itself gets `settings`, as `baudrate=9600`."""
    bare = address.startswith("serial://") and "?" not in address
    return await open_link(f"{address}?{settings}" if bare else address)


async def _open_serial(parsed: SerialAddress) -> Link:
    link = await open_serial(parsed.device, parsed.settings)
    if parsed.optical:
        try:
            await sign_on(link)
        except BaseException:
            await link.close()
            raise
    return link
