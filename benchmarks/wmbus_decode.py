"""Wireless M-Bus telegrams to named values on one core, of one meter and of a hundred thousand.

The telegrams are a water meter's own: volume, time, volume and date at the set date, flow and error flags.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from benchmarks.cores import OURS, pinned, seconds_each
from benchmarks.table import Table, count
from openami.protocols.mbus.wireless.address import MeterAddress, manufacturer_code
from openami.protocols.mbus.wireless.keys import KeyStore
from openami.protocols.mbus.wireless.reader import WirelessReader
from openami.protocols.mbus.wireless.sealing import mode_5_telegram, plain_telegram

RECORDS = bytes.fromhex("0c1378563412 046d28270a2b 4c1300002211 426cbf2c 0b3b120000 02fd170000")
VALUES = 6
SEND_NO_REPLY = 0x44
TELEGRAMS = 20_000
FLEETS = (1, 1_000, 100_000)
KEYS = 1_000


def run() -> Table:
    """Telegrams per second, plain by size of the fleet, and sealed in mode 5."""
    rows = []
    with pinned(OURS):
        for meters in FLEETS:
            pool = [plain_telegram(SEND_NO_REPLY, _address(n), n & 0xFF, RECORDS) for n in range(meters)]
            heard = [pool[n % meters] for n in range(max(meters, TELEGRAMS))]
            rows.append((f"plain, {meters:,} meters", f"{len(pool[0])}", count(_rate(WirelessReader(), heard))))
        keys = KeyStore()
        sealed = []
        for n in range(KEYS):
            key = n.to_bytes(16, "big")
            keys.add(_address(n), key)
            sealed.append(mode_5_telegram(SEND_NO_REPLY, _address(n), n & 0xFF, RECORDS, key))
        rows.append((f"mode 5, {KEYS:,} meters", f"{len(sealed[0])}", count(_rate(WirelessReader(keys), sealed))))
    return Table(
        "wmbus_decode",
        "Wireless M-Bus telegrams to named values, per second on one core",
        ("telegrams", "bytes", "per second"),
        rows,
        (
            f"Processor time, median of 5 samples; {VALUES} values each, a key of its own for each meter in mode 5.",
            "Measured elsewhere for wmbusmeters: 14,000 to 18,000 for one plain meter, 104 for 1,000; 2,900 in mode 5.",
        ),
    )


def _rate(reader: WirelessReader, telegrams: Sequence[bytes]) -> float:
    assert len(reader.read(telegrams[0]).values) == VALUES
    return len(telegrams) / seconds_each(partial(_read, reader, telegrams), samples=5)


def _read(reader: WirelessReader, telegrams: Sequence[bytes]) -> None:
    for telegram in telegrams:
        reader.read(telegram)


def _address(number: int) -> MeterAddress:
    return MeterAddress(manufacturer_code("OAM"), f"{number:08d}", 1, 7)
