"""The Python blocks of the page on keys, run as they stand, against a meter in memory that hears broadcasts too."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dlms_authority import Authority
from dlms_curves import curves
from meter_bench import CLIENT_TITLE, CONFIG, METER_TITLE, START, BenchClock, make_client, seeded
from openami.field.meter.curve import SteadyCurve
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.faces.memory import MemoryFace
from openami.field.meter.faces.multicast import serve_meters_multicast
from openami.field.meter.faces.service import MeterService
from openami.field.meter.firmware import FirmwareImage
from openami.io.links.dlms import DlmsClient
from openami.protocols.dlms.certificate import read_certificate
from openami.protocols.dlms.image_transfer import ImagePlan, transfer_image
from openami.protocols.dlms.security import SecurityKeys, SecuritySuite
from procedure_pair import MeterPair

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "change-keys.md"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
KEYS = SecurityKeys(
    bytes(range(16)), bytes(range(16, 32)), bytes(range(32, 48)), None, SecuritySuite.SUITE_1, bytes(range(64, 80))
)
GROUP, PORT, INTERFACE, LOOPBACK = "239.255.59.59", "4059", "192.0.2.1", "127.0.0.1"
BLOCK_SIZE = 128
IMAGE = FirmwareImage(b"OAM-3.0", bytes(range(250)))


async def run(block: str, names: dict[str, Any]) -> None:
    code = compile(block, str(PAGE), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    running = eval(code, names)
    if inspect.isawaitable(running):
        await running


def trusting_meter(authority: Authority) -> ElectricityMeter:
    _, own = curves()
    config = replace(CONFIG, keys=KEYS, asymmetric=own, authorities=(authority.der,), image_block_size=BLOCK_SIZE)
    return ElectricityMeter(config, SteadyCurve(1), START, None, seeded(3))


async def associated(face: MemoryFace, clock: BenchClock, keys: SecurityKeys) -> DlmsClient:
    client = make_client(face.connect(), clock, keys=keys, asymmetric=curves()[0], server_system_title=METER_TITLE)
    await client.associate()
    return client


async def test_the_blocks_of_the_page() -> None:
    authority, clock = Authority(), BenchClock()
    meter = trusting_meter(authority)
    face = MemoryFace(MeterService(meter, clock, random=seeded()))
    transfer, agree, certificates, _ = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    kept: list[SecurityKeys] = []
    names: dict[str, Any] = {
        "clock": clock,
        "keys": KEYS,
        "client": await associated(face, clock, KEYS),
        "fresh": bytes(range(100, 116)),
        "other": bytes(range(120, 136)),
        "store_beside_the_old_ones": kept.append,
    }
    await run(transfer, names)
    assert kept == [names["new"]]
    assert meter.security.shared.record.keys.global_unicast_encryption_key == names["fresh"]

    changed = {"asymmetric": curves()[0], "client_system_title": CLIENT_TITLE, "meter_system_title": METER_TITLE}
    names |= {**changed, "keys": names["new"], "client": await associated(face, clock, names["new"])}
    await run(agree, names)
    agreed = names["new"]
    assert kept[1:] == [agreed]
    assert meter.security.shared.record.keys.global_unicast_encryption_key not in (names["fresh"], KEYS)

    names |= {"client": await associated(face, clock, agreed), "issued_by_the_authority": authority.answer}
    await run(certificates, names)
    assert read_certificate(names["certificate"]) in meter.security.shared.certificates()
    await face.close()


async def test_the_block_about_an_image() -> None:
    """As it stands, but for the interface and the port, which are this machine's own."""
    clock, meter = BenchClock(), trusting_meter(Authority())
    plan = ImagePlan(IMAGE.identification, bytes(IMAGE))
    with pytest.raises(InterruptedError):  # told of the image, and nothing of it brought yet
        MeterPair(meter, keys=KEYS, asymmetric=curves()[0]).perform(transfer_image(plan), 3)
    hearing = await serve_meters_multicast([meter], clock, GROUP, 0, interface=LOOPBACK)
    block = BLOCK.findall(PAGE.read_text(encoding="utf-8"))[3]
    assert INTERFACE in block
    block = block.replace(INTERFACE, LOOPBACK).replace(PORT, str(hearing.port))
    names: dict[str, Any] = {
        "clock": clock,
        "keys": KEYS,
        "title": CLIENT_TITLE,
        "counters": clock.counters,
        "identifier": IMAGE.identification,
        "image": bytes(IMAGE),
        "block_size": BLOCK_SIZE,
    }
    await run(block, names)
    for _ in range(2000):
        if meter.image.first_missing == -(-len(bytes(IMAGE)) // BLOCK_SIZE):
            break
        await asyncio.sleep(0.001)
    await hearing.close()
    assert "0" not in meter.image.bitmap
