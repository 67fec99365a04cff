"""What an operator may set about the portal."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from openami.model.errors import SettingError


@dataclass(frozen=True, slots=True)
class PortalSettings:
    """Where the portal listens, under which names, and how strict it is.

    `hosts` are the names that people type, without port; the first one is the portal's own name, which the
    certificate must carry. `port` and `plain_port` may be 0: the system then chooses. `plain_port` is `None`
    unless plain HTTP shall be answered, always with a redirect (308) to the same address under https.

    `hsts_max_age_s` is raised in stages (5 minutes, a week, a month, two years): a browser that has seen it
    refuses plain HTTP and broken certificates for that long, on *every* port of the host. 0 sends none.

    `authority` is the certificate (PEM) that visitors of a demonstration must trust; it is offered for download.
    `late_after_s` is the age of its last reading from which a meter counts as late.
    `scrypt_log2_n` is the cost of hashing passwords: 2^n × 1 KiB of memory per log-in, three passes.
    """

    hosts: tuple[str, ...] = ("openami.localhost",)
    listen: str = "127.0.0.1"
    port: int = 8443
    plain_port: int | None = None
    certificate: Path | None = None
    key: Path | None = None
    authority: Path | None = None
    hsts_max_age_s: int = 300
    hsts_include_subdomains: bool = False
    hsts_preload: bool = False
    idle_timeout_s: int = 1800
    absolute_timeout_s: int = 12 * 3600
    late_after_s: int = 26 * 3600
    scrypt_log2_n: int = 15
    notice: str = ""

    def __post_init__(self) -> None:
        if not self.hosts:
            raise SettingError("portal.hosts is empty; name at least one host that people type, e.g. openami.localhost")
        for name in self.hosts:
            if not name or name != name.lower() or any(sign in name for sign in "/@ \t"):
                raise SettingError(f"portal.hosts holds {name!r}; write names in lower case, without scheme and port")
        if self.hsts_preload and (self.hsts_max_age_s < 31_536_000 or not self.hsts_include_subdomains):
            raise SettingError("portal.hsts_preload needs hsts_max_age_s >= 31536000 and hsts_include_subdomains")
        if not 12 <= self.scrypt_log2_n <= 20:
            raise SettingError(f"portal.scrypt_log2_n is {self.scrypt_log2_n}, must be 12..20")

    @property
    def hsts(self) -> str | None:
        """The value of Strict-Transport-Security, `None` if none is sent."""
        if self.hsts_max_age_s <= 0:
            return None
        parts = [f"max-age={self.hsts_max_age_s}"]
        parts += ["includeSubDomains"] if self.hsts_include_subdomains else []
        parts += ["preload"] if self.hsts_preload else []
        return "; ".join(parts)


def host_of(authority: str) -> str:
    """The host of a `Host` header, without port and brackets, in lower case; empty if it has no sane form."""
    text = authority.strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    host, _, port = text.partition(":")
    return host if not port or port.isdigit() else ""


def is_pinnable(host: str) -> bool:
    """Whether HSTS means anything for `host`: not for IP literals (RFC 6797, 8.1.1), and never for `localhost`,
    which other programs of the same machine share.
    """
    try:
        ip_address(host)
    except ValueError:
        return host != "localhost"
    return False
