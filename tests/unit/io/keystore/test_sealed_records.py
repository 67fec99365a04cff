from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from meter_bench import CONFIG, KEYS, START, seeded
from openami.field.meter.curve import SteadyCurve
from openami.field.meter.electricity import ElectricityMeter
from openami.io.keystore.sealed_records import MAGIC, SealedRecords
from openami.model.errors import StoreError
from openami.protocols.dlms.client_request import ClientState
from openami.protocols.dlms.cosem.security_setup import KeyId
from openami.protocols.dlms.counters import MemoryCounters
from openami.protocols.dlms.key_exchange import transfer_keys, with_key
from openami.simulation.disk import FaultDisk, PowerCut
from procedure_pair import MeterPair

FOLDER = Path("device/records")
SECRET = b"as strong as a key, and of no other use"
FULL = replace(KEYS, master_key=bytes(range(64, 80)))
NEW = with_key(FULL, KeyId.GLOBAL_UNICAST_ENCRYPTION_KEY, seeded(9)(16))


def make(disk: FaultDisk, secret: bytes = SECRET) -> SealedRecords:
    return SealedRecords(FOLDER, secret, disk=disk, random=random.Random(1).randbytes)


def test_a_record_is_read_by_its_secret_and_nobody_else() -> None:
    disk = FaultDisk()
    records = make(disk)
    assert records.load("security/1") is None
    records.save("security/1", b"key material")
    records.save("security/2", b"")
    assert make(disk).load("security/1") == b"key material"
    assert make(disk).load("security/2") == b""
    (first, second) = disk.names(FOLDER)
    assert disk.read(FOLDER / first).startswith(MAGIC)
    assert b"material" not in disk.read(FOLDER / first) + disk.read(FOLDER / second)
    with pytest.raises(StoreError, match="does not open"):
        make(disk, b"another").load("security/1")


@pytest.mark.parametrize("place", [0, 20, -1])
def test_an_altered_or_exchanged_record_is_refused(place: int) -> None:
    disk = FaultDisk()
    records = make(disk)
    records.save("one", b"of one")
    (name,) = disk.names(FOLDER)
    data = bytearray(disk.read(FOLDER / name))
    data[place] ^= 1
    disk.remove(FOLDER / name)
    disk.append(FOLDER / name).write(bytes(data))
    with pytest.raises(StoreError):
        records.load("one")


@pytest.mark.parametrize("dies_at", range(1, 24))
def test_wherever_the_power_fails_a_key_transfer_leaves_old_or_new_keys(dies_at: int) -> None:
    """Counters are in memory here; the client holds both sets of keys, and comes in with one of them."""
    disk = FaultDisk(dies_at)
    kept, counters = [FULL], MemoryCounters()
    try:
        meter = ElectricityMeter(replace(CONFIG, keys=FULL), SteadyCurve(1), START, counters, None, make(disk))
        pair, procedure = MeterPair(meter, keys=FULL), transfer_keys(FULL, NEW)
        kept.append(next(procedure).keys)
        pair.client.send(procedure.send(None), pair.now)
        pair.run()
        MeterPair(meter, keys=NEW).ask_fails()
    except PowerCut:
        pass
    else:
        assert dies_at > 10, "the whole change has some steps"
    for after in (disk.after_kill(), disk.after_power_cut()):
        again = ElectricityMeter(replace(CONFIG, keys=FULL), SteadyCurve(1), START, counters, None, make(after))
        assert any(MeterPair(again, keys=keys).client.state is ClientState.ASSOCIATED for keys in kept)
