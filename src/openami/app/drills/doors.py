"""Whoever has the head-end tries the doors of the back office, with every certificate that he can lay hands on."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec

from openami.app import inner_zones
from openami.app.drills.drill import Removal, drill, stands
from openami.app.inner_zones import run_witness
from openami.app.installation import Installation
from openami.app.settings import Settings
from openami.io.clock import SystemClock
from openami.io.keystore.tls import Certificate, client_context, issue, make_authority
from openami.io.links.asking import ask
from openami.io.links.link import Link
from openami.io.links.tcp import connect_tcp
from openami.model.errors import LinkError, SecurityError
from openami.protocols.zones.log_message import AddCheckpoint, Cosigned

HEAD_END: Final = "HES DMZ host"
HOST: Final = "127.0.0.1"
NAME: Final = Settings().portal.name
OPERATIONS: Final = f"operations.{NAME}"


def _installation(folder: Path) -> tuple[Installation, Certificate]:
    """A witness and the authority of its zone."""
    zone = make_authority(folder / "tls", datetime.now(UTC), names=(NAME,))
    own = issue(zone, folder / "tls", f"witness.{NAME}", datetime.now(UTC), server=True)
    both = folder / "tls" / "both.pem"
    both.write_bytes(own.key.read_bytes() + own.certificate.read_bytes())
    section = msgspec.structs.replace(Settings().witness, listen=f"{HOST}:0", certificate=str(both))
    return Installation(folder, msgspec.structs.replace(Settings(), witness=section)), zone


async def _opens(port: int, zone: Certificate, own: Certificate | None) -> bool:
    """Whether anything at all is answered behind this port."""
    clock, request = SystemClock(), AddCheckpoint("openami.localhost/guard", 0, [], "a note")
    tls = client_context(zone.certificate, own)

    async def connect() -> Link:
        return await connect_tcp(HOST, port, tls=tls, server_name=f"witness.{NAME}")

    try:
        await ask(connect, request, Cosigned, clock, 5.0)
    except LinkError:
        return False
    except SecurityError:
        return True  # it says no: it has read the question
    return True


async def _doors(folder: Path) -> tuple[bool, list[str]]:
    """Whether operations is let in, and who else is."""
    installation, zone = _installation(folder)
    now, other = datetime.now(UTC), make_authority(folder / "other", datetime.now(UTC))
    keys = {
        "nothing": None,
        "the head-end's certificate": issue(zone, folder / "a", f"headend.{NAME}", now, server=True),
        "a certificate of the head-end as a client": issue(zone, folder / "b", f"headend.{NAME}", now, server=False),
        "a collector's certificate": issue(zone, folder / "c", f"c1.{NAME}", now, server=False),
        "a name that contains the right one": issue(zone, folder / "d", f"{OPERATIONS}.{NAME}", now, server=False),
        "the right name of another authority": issue(other, folder / "e", OPERATIONS, now, server=False),
    }
    async with run_witness(installation, SystemClock()) as server:
        own = issue(zone, folder / "f", OPERATIONS, now, server=False)
        invited = await _opens(server.port, zone, own)
        return invited, [what for what, key in keys.items() if await _opens(server.port, zone, key)]


@drill("A065", HEAD_END, Removal(inner_zones, "_name_of", lambda _link: OPERATIONS))
def the_head_end_tries_the_doors_of_the_back_office() -> None:
    """None of its certificates, and none that it finds on its way, gets a word out of an inner part."""
    log = logging.getLogger("openami")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        with TemporaryDirectory(prefix="openami-drill-") as folder:
            invited, others = asyncio.run(_doors(Path(folder)))
    finally:
        log.setLevel(level)
    stands(invited, "operations itself is not let in: the drill proves nothing")
    stands(not others, f"an inner part answers whoever has {', '.join(others)}")
