"""Whoever calls in at the head-end with a certificate that is good, except that it was called back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from cryptography import x509

from openami.app.drills.drill import Removal, drill, stands
from openami.field.meter.push_queue import random_of
from openami.headend.collector_session import CollectorName
from openami.headend.headend import Headend
from openami.headend.settings import HeadendSettings
from openami.io.clock import SystemClock
from openami.io.keystore.authority import CertificateAuthority
from openami.io.keystore.certificate_request import make_request
from openami.io.keystore.deny_list import DenyList
from openami.io.links.memory import memory_pair
from openami.io.spool.file_spool import FileSpool
from openami.protocols.zones.collector_connection import CollectorConnection, CollectorRole
from openami.protocols.zones.collector_message import VERSION, Hello
from openami.simulation.disk import FaultDisk

WAN: Final = "WAN man in the middle"
NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)


async def _welcome(serial: int, denied: Callable[[int], bool]) -> bool:
    """Whether the head-end says anything to a collector with this certificate."""
    near, far = memory_pair()
    spool = FileSpool(Path("spool"), disk=FaultDisk(), random=random_of(b"spool"))
    who = CollectorName("c1", "hill", serial)
    headend = Headend(HeadendSettings(), SystemClock(), spool, identify=lambda _link: who, denied=denied)
    core = CollectorConnection(CollectorRole.COLLECTOR, 0.0)
    core.send(Hello(VERSION, "drill", []), 0.0)
    await near.send(core.data_to_send(0.0))
    loop = asyncio.get_running_loop()
    served, heard = loop.create_task(headend.serve_collector(far)), loop.create_task(near.receive())
    await asyncio.wait((served, heard), return_when=asyncio.FIRST_COMPLETED)
    welcome = heard.done() and bool(heard.result())
    for task in (served, heard):
        task.cancel()
    await asyncio.gather(served, heard, return_exceptions=True)
    return welcome


@drill("A048", WAN, Removal(DenyList, "denied", lambda *_: False))
def a_certificate_that_was_called_back_calls_in() -> None:
    """TLS has nothing against it: the head-end's list does, from the moment that it is read again."""
    log = logging.getLogger("openami.headend")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        with TemporaryDirectory() as folder:
            authority = CertificateAuthority(Path(folder) / "services")
            authority.make(NOW)
            stolen, good = (_signed(authority, Path(folder) / f"{name}.pem") for name in "ab")
            listed = DenyList(authority.deny_list, authority.certificate)
            authority.deny(stolen, NOW + timedelta(minutes=1))
            listed.refresh()
            answered = [asyncio.run(_welcome(_serial(one), listed.denied)) for one in (good, stolen)]
    finally:
        log.setLevel(level)
    stands(answered[0], "a good certificate is turned away: the drill proves nothing")
    stands(not answered[1], "a collector whose certificate was called back is served")


def _signed(authority: CertificateAuthority, key: Path) -> bytes:
    return authority.sign(make_request(key, "c1"), "c1", "hill", NOW)


def _serial(certificate: bytes) -> int:
    return x509.load_pem_x509_certificate(certificate).serial_number
