"""Which addresses may be dialled: the head-end is no open proxy."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from openami.model.errors import LinkError, SettingError
from openami.protocols.zones.message import RefusalCause

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class Refused(LinkError):
    """No circuit; `cause` is what the back office is told."""

    def __init__(self, cause: RefusalCause, detail: str) -> None:
        super().__init__(detail)
        self.cause = cause


class Target(NamedTuple):
    """A meter's address: `host` is an IP address, never a name."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


async def resolve_by_system(host: str, port: int) -> Sequence[str]:
    """The addresses of a name, as the system knows them."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class AllowList:
    """The networks whose meters may be dialled. A name counts as the addresses that it resolves to, at that moment."""

    def __init__(self, networks: Sequence[str], resolve: Resolve = resolve_by_system) -> None:
        self._networks = [parse_network(text, "headend.networks") for text in networks]
        self._resolve = resolve

    async def target(self, link: str) -> Target:
        """The address behind `link`; raise `Refused` if it is none or lies in no allowed network."""
        host, port = _parse(link)
        for address in await self._addresses(host, port):
            if self._allows(address):
                return Target(address, port)
        raise Refused(RefusalCause.NOT_ALLOWED, f"{host}:{port} lies in no network that the head-end may dial")

    async def _addresses(self, host: str, port: int) -> Sequence[str]:
        if _ip(host) is not None:
            return [host]
        try:
            return await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise Refused(RefusalCause.CONNECT_FAILED, f"the name {host} has no address: {error}") from error

    def _allows(self, address: str) -> bool:
        ip = _ip(address)
        return ip is not None and any(ip in network for network in self._networks)


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address; an IPv4 address in IPv6 clothes is what it is underneath."""
    try:
        ip = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return mapped or ip


def parse_network(text: str, setting: str) -> Network:
    """A network; raises `SettingError` that names the setting."""
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise SettingError(f"{setting}: {error}; write a network as 10.0.0.0/8") from error


def _parse(link: str) -> tuple[str, int]:
    try:
        parts = urlsplit(link)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise Refused(RefusalCause.BAD_ADDRESS, f"{link!r} is no address: {error}") from error
    plain = not (parts.path or parts.query or parts.fragment or parts.username)
    if parts.scheme != "tcp" or not host or not port or not plain:
        raise Refused(RefusalCause.BAD_ADDRESS, f"{link!r} is no address that the head-end dials: tcp://host:port")
    return host, port
