"""When the head-end is cut off: a probe that does not ask it, a person who decides, and another one made of nothing.

What a head-end says of itself counts for nothing here. The probe looks at what arrived sealed, and dials a few meters
by another path than the head-end's; it changes nothing. A person chooses another head-end out of those that the
settings name, and the back office dials that one from its next connection on. No meter's key is on either of them.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from shutil import copyfile

import msgspec

from openami.app.field_sections import Headend
from openami.app.installation import Installation
from openami.app.office_sections import Portal
from openami.app.settings import SETTINGS_FILE, Settings, address, write_settings
from openami.backoffice.mdm.mdm import Mdm
from openami.backoffice.registry.registry import Registry
from openami.io.disk import SystemDisk, write_whole
from openami.io.keystore.tls import Certificate, issue
from openami.io.links.address import open_link
from openami.model.errors import LinkError, SettingError
from openami.model.point import ChannelKind, Meter

DIAL_TIMEOUT_S = 10.0


class Verdict(StrEnum):
    """What the probe makes of it; what is done about it a person decides."""

    FINE = "sealed values arrive"
    CUT_OFF = "meters answer by the other path, but nothing sealed arrives: the head-end or the way to it is cut off"
    SILENT = "meters answer by neither path: another head-end would not help"
    BLIND = "no meter can be dialled by another path: look at the collectors"


@dataclass(frozen=True, slots=True)
class Probe:
    """Of `sampled` meters, how many `answered` a call by the other path and how many were `heard` lately, sealed."""

    sampled: int
    answered: int
    heard: int

    @property
    def verdict(self) -> Verdict:
        """Half of them decide."""
        if not self.sampled:
            return Verdict.BLIND
        if 2 * self.heard >= self.sampled:
            return Verdict.FINE
        return Verdict.CUT_OFF if 2 * self.answered >= self.sampled else Verdict.SILENT


async def probe(
    registry: Registry,
    mdm: Mdm,
    count: int,
    since: datetime,
    dial: Callable[[str], Awaitable[bool]],
    choose: random.Random,
) -> Probe:
    """Look at `count` meters chosen at random, of those that can be dialled without a collector."""
    known = [meter for meter in registry.meters() if meter.two_way and (meter.link or "").startswith(("tcp:", "tls:"))]
    sample = choose.sample(known, min(count, len(known)))
    heard = sum(_last_stamp(registry, mdm, meter) >= since for meter in sample)
    answered = await asyncio.gather(*(dial(meter.link or "") for meter in sample))
    return Probe(len(sample), sum(answered), heard)


async def dial_directly(link: str) -> bool:
    """Whether somebody takes the call; nothing is said."""
    try:
        opened = await open_link(link, timeout_s=DIAL_TIMEOUT_S)
    except LinkError:
        return False
    await opened.close()
    return True


def _last_stamp(registry: Registry, mdm: Mdm, meter: Meter) -> datetime:
    """The end of the last interval that the meter told."""
    latest = datetime(1970, 1, 1, tzinfo=UTC)
    for hung in registry.installations(meter.id)[-1:]:
        for channel in registry.channels(hung.metering_point):
            if channel.kind is not ChannelKind.STAMPED_REGISTER:
                stamp = mdm.last_stamp(hung.metering_point, channel.number)
                latest = latest if stamp is None else max(latest, stamp)
    return latest


def lately(installation: Installation, now: datetime) -> datetime:
    """Since when something must have been heard: two periods of reading, and an hour for the reading itself."""
    return now - 2 * timedelta(seconds=installation.settings.operations.read_every_s) - timedelta(hours=1)


def chosen_headend(installation: Installation, configured: str) -> str:
    """Where the back office connects: what a person chose, else what is configured."""
    file = installation.path(installation.settings.operations.chosen)
    return file.read_text(encoding="ascii").strip() if file.exists() else configured


def check_headend(installation: Installation, where: str) -> None:
    """Raise `SettingError` unless the settings name a head-end at `where`."""
    settings = installation.settings.operations
    named = (settings.headend, *settings.fallbacks)
    if where not in named:
        raise SettingError(f"{where!r} is none of this installation's head-ends: {', '.join(named)}")


def choose_headend(installation: Installation, where: str) -> None:
    """From its next connection on the back office uses the head-end at `where`."""
    file = installation.path(installation.settings.operations.chosen)
    write_whole(SystemDisk(), file, f"{where}\n".encode())


def prepare_headend(installation: Installation, folder: Path, headend: Headend, now: datetime) -> Path:
    """A clean installation for a head-end, with a certificate of its own and no key of any meter; its settings' file.

    Needs the key of the zones' authority, which is kept elsewhere otherwise. Raises `SettingError`.
    """
    if folder.exists():
        raise SettingError(f"{folder} is there already: a head-end begins in a clean place")
    name, zones = installation.settings.portal.name, installation.settings.zones
    for text in (headend.listen, headend.push_listen):
        address(text, "listen")
    trusted = installation.path(zones.authority)
    signer = Certificate(trusted, trusted.with_suffix(".key"), trusted)
    settings = Settings(headend=headend, portal=Portal(name=name))
    made = Installation(folder, settings)
    issued = issue(signer, made.path(settings.zones.headend_certificate).parent, f"headend.{name}", now, server=True)
    issued.certificate.replace(made.path(settings.zones.headend_certificate))
    issued.key.replace(made.path(settings.zones.headend_key))
    copyfile(trusted, made.path(settings.zones.authority))
    file = folder / SETTINGS_FILE
    file.write_text(write_settings(settings), encoding="utf-8")
    return file


def headend_like(section: Headend, listen: str, push_listen: str) -> Headend:
    """The same networks and bounds at other addresses; collectors are let in where they were."""
    return msgspec.structs.replace(section, listen=listen, push_listen=push_listen)
