"""A meter on the test bench: known load, known time, known keys, and a client for it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from openami.field.meter.config import MeterConfig
from openami.field.meter.curve import LoadCurve, SteadyCurve
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.laboratory_meter import LaboratoryMeter
from openami.io.links.dlms import DlmsClient
from openami.io.links.link import Link
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.client_settings import ClientSettings
from openami.protocols.dlms.counters import MemoryCounters
from openami.protocols.dlms.framing import Framing, Role
from openami.protocols.dlms.hdlc.address import HdlcAddress
from openami.protocols.dlms.hdlc.framing import HdlcFraming
from openami.protocols.dlms.security import Secret, SecurityKeys
from openami.protocols.dlms.wrapper import WrapperFraming

KEYS = SecurityKeys(bytes(range(16)), bytes(range(16, 32)))
METER_TITLE = b"OAM\x00\x00\x00\x00\x01"
CLIENT_TITLE = b"OAC\x00\x00\x00\x00\x09"
PASSWORD = Secret(b"12345678")
START = 1_767_225_600  # 2026-01-01T00:00:00Z
DAY_S = 86_400
CONFIG = MeterConfig(serial="70000001", system_title=METER_TITLE, keys=KEYS)


class BenchClock:
    """Stands still at `at` until somebody moves it; link time-outs run on the loop's time.

    `counters` are those of the bench's clients, which share one system title.
    """

    def __init__(self, at: float = START) -> None:
        self.at = at
        self.counters = MemoryCounters()

    def time(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        self.at += seconds
        await asyncio.sleep(0)


class Client:
    """Just the address of whoever asks a logical device."""

    def __init__(self, client_sap: int) -> None:
        self.client_sap = client_sap


def make_meter(curve: LoadCurve | None = None, start: float = START, **changes: Any) -> ElectricityMeter:
    """A meter that draws 1 kW and feeds in 100 W, unless told otherwise."""
    return ElectricityMeter(replace(CONFIG, **changes), curve or SteadyCurve(1000, 100), start)


def make_laboratory_meter(**changes: Any) -> LaboratoryMeter:
    """The same, open to clients that prove little."""
    return LaboratoryMeter(replace(CONFIG, **changes), SteadyCurve(1000, 100), START, PASSWORD)


def seeded(seed: int = 1) -> Callable[[int], bytes]:
    """Challenges that are the same in every run."""
    return random.Random(seed).randbytes


def make_client(link: Link, clock: BenchClock, *, sap: int = 1, hdlc: bool = False, **changes: Any) -> DlmsClient:
    """A client as `sap` may associate: 1 and 2 with HLS 5, 3 with LLS, 16 without anything."""
    proofs: dict[int, dict[str, Any]] = {
        16: {},
        3: {"authentication": Authentication.LLS, "password": PASSWORD},
    }
    sealed = {"authentication": Authentication.HLS5, "keys": KEYS, "system_title": CLIENT_TITLE}
    settings = ClientSettings(client_sap=sap, **{**proofs.get(sap, sealed), **changes})
    framing: Framing = WrapperFraming(Role.CLIENT, sap, 1)
    if hdlc:
        framing = HdlcFraming(Role.CLIENT, sap, HdlcAddress(1))
    return DlmsClient(link, framing, settings, clock=clock, random=seeded(7), counters=clock.counters)
