"""A head-end that cries wolf, or keeps quiet about it: whether to do without it is asked of others, and decided by a
person.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from openami.app import continuity
from openami.app.continuity import Verdict, check_headend, chosen_headend, prepare_headend, probe
from openami.app.drills.conversation import STRANGER
from openami.app.drills.drill import Removal, drill, stands
from openami.app.drills.inner_zone import DAY, InnerZone, hours_of, inner_zone, pushing_meter
from openami.app.field_sections import Headend
from openami.app.installation import Installation
from openami.app.settings import Settings
from openami.io.keystore import tls
from openami.io.keystore.tls import Certificate, issue, make_authority
from openami.model.errors import SettingError

HEAD_END: Final = "HES DMZ host"
NAME: Final = Settings().portal.name
CONFIGURED: Final = Settings().operations.headend


def _asked(zone: InnerZone, *, meters_answer: bool) -> Verdict:
    """What the probe says at three in the night, when both meters should have been heard within the hour."""

    async def dial(_link: str) -> bool:
        return meters_answer

    since = DAY + timedelta(hours=2)
    return asyncio.run(probe(zone.registry, zone.mdm, 2, since, dial, random.Random(1))).verdict


def _reachable(zone: InnerZone) -> None:
    for number, meter in enumerate(zone.registry.meters(), 1):
        zone.registry.change_link(meter.id, f"tcp://10.0.0.{number}:4059")


def _says_the_head_end(_registry: object, _mdm: object, _meter: object) -> datetime:
    """As if the time at which the head-end brought something were the time at which a meter spoke."""
    return DAY + timedelta(hours=3)


@drill("A064", HEAD_END, Removal(continuity, "_last_stamp", _says_the_head_end))
def the_head_end_claims_that_all_is_lost_or_that_all_is_well() -> None:
    """Its claims change neither what the probe says nor which head-end is used; only a named one can be chosen."""
    invented = hours_of(pushing_meter(0, keys=STRANGER), 3) + hours_of(pushing_meter(1, keys=STRANGER), 3)
    genuine = hours_of(pushing_meter(0), 3) + hours_of(pushing_meter(1), 3)
    with inner_zone() as zone, TemporaryDirectory(prefix="openami-drill-") as folder:
        _reachable(zone)
        installation = Installation(Path(folder), Settings())
        zone.deliver(invented)
        stands(_asked(zone, meters_answer=True) is Verdict.CUT_OFF, "readings that it invents hide that it is cut off")
        stands(_asked(zone, meters_answer=False) is Verdict.SILENT, "what it claims counts as meters that answer")
        zone.deliver([*genuine, *invented * 20])
        stands(_asked(zone, meters_answer=False) is Verdict.FINE, "with enough claims sealed values count for nothing")
        stands(chosen_headend(installation, CONFIGURED) == CONFIGURED, "the back office has switched by itself")
        stands(not _choosable(installation, "192.0.2.66:4058"), "a head-end that nobody has named can be chosen")
        stands(_choosable(installation, CONFIGURED), "the head-end in use cannot be chosen: the drill proves nothing")


def _choosable(installation: Installation, where: str) -> bool:
    try:
        check_headend(installation, where)
    except SettingError:
        return False
    return True


def _by_anybody(_signer: Certificate, folder: Path, name: str, now: datetime, *, server: bool) -> Certificate:
    return issue(make_authority(folder.parents[1] / "anybody", now), folder, name, now, server=server)


@drill("A068", HEAD_END, Removal(continuity, "issue", _by_anybody))
def a_head_end_is_made_of_nothing() -> None:
    """The back office takes it for a head-end; in its folder are two certificates, one key and no key of any meter."""
    now = datetime.now(UTC)
    with TemporaryDirectory(prefix="openami-drill-") as place:
        office, fresh = Path(place) / "office", Path(place) / "fresh"
        zone = make_authority(office / "tls", now, names=(NAME,))
        own = issue(zone, office / "tls", f"operations.{NAME}", now, server=False)
        listening = Headend(listen="127.0.0.1:4158", push_listen="127.0.0.1:4159")
        settings = prepare_headend(Installation(office, Settings()), fresh, listening, now)
        made = Installation.load(settings)
        files = sorted(file.name for file in fresh.rglob("*") if file.is_file())
        stands(len(files) <= 4, f"a clean head-end has {', '.join(files)}")
        stands(_shake(tls.client_context(zone.certificate, own), made), "the back office does not take it for one")


def _shake(client: ssl.SSLContext, made: Installation) -> bool:
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = tls.server_context(made.headend_certificate(), clients=True)
    ends = (
        client.wrap_bio(down, up, server_hostname=f"headend.{NAME}"),
        server.wrap_bio(up, down, server_side=True),
    )
    try:
        for _ in range(6):
            done = [_step(end) for end in ends]
        return all(done)
    except ssl.SSLError:
        return False


def _step(end: ssl.SSLObject) -> bool:
    try:
        end.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True
