"""Pages: Jinja2 templates with the words and numbers of metering, rendered for one request."""

from __future__ import annotations

import hashlib
from datetime import datetime
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import MediaType, Request, Response
from litestar.datastructures import Cookie

from openami.model.quality import GuaranteeClass
from openami.model.quantity import Quantity
from openami.model.unit import Unit

STATIC = {
    "portal.css": "text/css; charset=utf-8",
    "portal.js": "text/javascript; charset=utf-8",
    "favicon.svg": "image/svg+xml",
}
GUARANTEES = {
    GuaranteeClass.TWO_SEALS: (
        "two seals",
        "Sealed in the meter and commanded under two seals; nobody on the way can read or forge its values.",
    ),
    GuaranteeClass.SHARED_KEYS: (
        "sealed",
        "Sealed from the meter to the back office with keys that both share; nobody on the way can read or forge them.",
    ),
    GuaranteeClass.AUTHENTICATED: (
        "authenticated",
        "The meter proved who it is, but its values travelled readable.",
    ),
    GuaranteeClass.UNAUTHENTICATED: (
        "unprotected",
        "The meter cannot protect its values; anybody on the way could have changed them.",
    ),
}
THIN_SPACE = "\u202f"


class Pages:
    """The templates and the static files of this package. `notice` stands above every page."""

    def __init__(self, notice: str = "") -> None:
        self.static = {name: files("openami.portal").joinpath("static", name).read_bytes() for name in STATIC}
        self._versions = {name: hashlib.sha256(raw).hexdigest()[:12] for name, raw in self.static.items()}
        self._environment = Environment(
            loader=PackageLoader("openami.portal"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )
        self._environment.filters.update(FILTERS)
        self._environment.globals.update(asset=self._asset, guarantees=GUARANTEES, notice=notice)

    def page(
        self,
        request: Request[Any, Any, Any],
        name: str,
        /,
        *,
        status: int = 200,
        cookies: list[Cookie] | None = None,
        headers: dict[str, str] | None = None,
        **values: Any,
    ) -> Response[str]:
        """The template `name`.html as a response. The page knows its nonce, path and reader (`identity`)."""
        state = request.scope["state"]
        text = self._environment.get_template(f"{name}.html").render(
            nonce=state.get("nonce", ""),
            path=request.scope["path"],
            identity=state.get("identity"),
            switching=request.app.state.rooms.critical is not None,
            audited=request.app.state.rooms.audit is not None,
            private=request.app.state.rooms.privacy is not None,
            **values,
        )
        return Response(text, status_code=status, media_type=MediaType.HTML, cookies=cookies, headers=headers)

    def _asset(self, name: str) -> str:
        return f"/static/{name}?v={self._versions[name]}"


def number(value: int) -> str:
    """Digits in groups of three."""
    return f"{value:,}".replace(",", THIN_SPACE)


def kwh(energy_wh: int, unit: bool = True) -> str:
    """Wh as kWh, exact to the watt-hour."""
    sign = "−" if energy_wh < 0 else ""
    whole, rest = divmod(abs(energy_wh), 1000)
    return f"{sign}{number(whole)}.{rest:03d}" + ("\u00a0kWh" if unit else "")


def quantity(value: Quantity) -> str:
    """An exact value with its unit; watt-hours as kWh."""
    if value.unit is Unit.WATT_HOUR and value.scaler >= 0:
        return kwh(value.mantissa * 10**value.scaler)
    whole, point, fraction = f"{value.value:f}".partition(".")
    return f"{number(int(whole))}{point}{fraction}\u00a0{value.unit.symbol}".rstrip()


def clock(at: datetime, zone: ZoneInfo) -> str:
    """Hours and minutes in `zone`."""
    return at.astimezone(zone).strftime("%H:%M")


def moment(at: datetime | None, zone: ZoneInfo | None = None) -> str:
    """Date and time in `zone` (UTC if none), with the zone's name; a dash for no time."""
    if at is None:
        return "–"
    local = at.astimezone(zone) if zone else at
    return local.strftime("%-d %b %Y, %H:%M ") + (local.tzname() or "UTC")


def day(at: datetime, zone: ZoneInfo) -> str:
    """The date in `zone`."""
    return at.astimezone(zone).strftime("%-d %B %Y")


def share(part: int, total: int) -> str:
    """Per cent, rounded so that only nothing is 0 and only everything is 100."""
    if not part or not total:
        return "0\u202f%"
    percent = 100 * part / total
    rounded = min(99.9, max(0.1, percent)) if part < total else percent
    return f"{rounded:.3g}\u202f%"


def percent(part: int, total: int) -> int:
    """Whole per cent for bars."""
    return 100 * part // total if total else 0


FILTERS = {
    "number": number,
    "kwh": kwh,
    "quantity": quantity,
    "clock": clock,
    "moment": moment,
    "day": day,
    "share": share,
    "percent": percent,
}
