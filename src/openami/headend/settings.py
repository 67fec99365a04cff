"""What a head-end may do. Everything is bounded."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass, field

from openami.headend.collector_session import Allowance
from openami.headend.dialling import Cell, DialWindow
from openami.model.errors import SettingError


@dataclass(frozen=True, slots=True)
class HeadendSettings:
    """Addresses, bounds and time-outs of one relay. Raises `SettingError` for what cannot be meant.

    `tls` is the server context of the port for the back office; it must ask for the client's certificate. Without it
    the port must lie on a loopback address. `collector_tls` is that of the port where collectors call in; without it
    none may. `allowance` is what one collector may take.
    `push_port` None: no pushes are taken. Ports of 0 are chosen freely.
    """

    host: str = "127.0.0.1"
    port: int = 4058
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    connections_max: int = 12_000
    networks: tuple[str, ...] = ("127.0.0.0/8",)
    circuits_max: int = 10_000
    dial_timeout_s: float = 30.0
    dial_interval_s: float = 0.0
    dial_windows: tuple[DialWindow, ...] = ()
    cells: tuple[Cell, ...] = ()
    circuit_silence_s: float = 180.0
    push_host: str = "127.0.0.1"
    push_port: int | None = 4059
    push_connections_max: int = 10_000
    push_bytes_max: int = 65_536
    push_silence_s: float = 5.0
    push_waiting_bytes_max: int = 16 << 20
    collector_host: str = "127.0.0.1"
    collector_port: int = 4060
    collector_tls: ssl.SSLContext | None = field(default=None, repr=False)
    collectors_max: int = 5_000
    allowance: Allowance = field(default_factory=Allowance)

    def __post_init__(self) -> None:
        if self.tls is None and not _loopback(self.host):
            raise SettingError(
                f"headend.host {self.host} is reachable from outside: give certificates for mutual TLS, or a loopback"
                " address"
            )
        if self.tls is not None and self.tls.verify_mode is not ssl.CERT_REQUIRED:
            raise SettingError("headend.tls must ask the back office for its certificate (mutual TLS)")
        if self.collector_tls is not None and self.collector_tls.verify_mode is not ssl.CERT_REQUIRED:
            raise SettingError("headend.collector_tls must ask collectors for their certificates (mutual TLS)")
        for name in ("connections_max", "circuits_max", "push_connections_max", "push_bytes_max"):
            if getattr(self, name) < 1:
                raise SettingError(f"headend.{name} is {getattr(self, name)}; it must be at least 1")
        for name in ("dial_timeout_s", "circuit_silence_s", "push_silence_s"):
            if getattr(self, name) <= 0:
                raise SettingError(f"headend.{name} is {getattr(self, name)}; it must be above 0")


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
