"""Wireless M-Bus telegrams to named values on one core, of one meter and of a hundred thousand; wmbusmeters beside it.

The long telegrams are a water meter's own: volume, time, volume and date at the set date, flow and error flags. The
short ones, volume and flow, are in the shape of a meter that wmbusmeters knows, so that both sides read the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from benchmarks.cores import OURS, pinned, seconds_each
from benchmarks.table import Table, count
from benchmarks.wmbus_peer import installed, peer_rate
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
SHORT_VALUES = 2
COMPARED = ((1, 20_000), (100, 5_000), (1_000, 2_000))
"""Meters, and how many telegrams of them both sides read."""
KEY = bytes(range(16))
Row = tuple[str, str, str, str, str]


def run() -> Table:
    """Telegrams per second, plain by size of the fleet, and sealed in mode 5; then both sides on the same bytes."""
    with pinned(OURS):
        rows = [*_long(), *_compared()]
    missing = "" if installed() else " It was not installed here."
    return Table(
        "wmbus_decode",
        "Wireless M-Bus telegrams to named values, per second on one core",
        ("telegrams", "bytes", "per second", "wmbusmeters", "ratio"),
        rows,
        (
            f"Processor time, median of 5 samples; {VALUES} values each in the first rows, a key of its own for",
            f"each meter in mode 5; {SHORT_VALUES} where wmbusmeters reads the same bytes in its own process.{missing}",
        ),
    )


def _long() -> list[Row]:
    rows: list[Row] = []
    for meters in FLEETS:
        pool = [plain_telegram(SEND_NO_REPLY, _address(n), n & 0xFF, RECORDS) for n in range(meters)]
        heard = [pool[n % meters] for n in range(max(meters, TELEGRAMS))]
        rate = count(_rate(WirelessReader(), heard, VALUES))
        rows.append((f"plain, {meters:,} meters", f"{len(pool[0])}", rate, "", ""))
    keys = KeyStore()
    sealed = []
    for n in range(KEYS):
        key = n.to_bytes(16, "big")
        keys.add(_address(n), key)
        sealed.append(mode_5_telegram(SEND_NO_REPLY, _address(n), n & 0xFF, RECORDS, key))
    rate = count(_rate(WirelessReader(keys), sealed, VALUES))
    return [*rows, (f"mode 5, {KEYS:,} meters", f"{len(sealed[0])}", rate, "", "")]


def _compared() -> list[Row]:
    rows = [_row(meters, size) for meters, size in COMPARED]
    return [*rows, _row(1, 5_000, KEY)]


def _row(meters: int, size: int, key: bytes = b"") -> Row:
    fleet = [MeterAddress(manufacturer_code("SEN"), f"{10_000_001 + n}", 0x68, 7) for n in range(meters)]
    heard = [_short(fleet[n % meters], n, key) for n in range(size)]
    ours = _rate(WirelessReader(KeyStore([key] if key else [])), heard, SHORT_VALUES)
    label = f"{'mode 5' if key else 'plain'}, short, {meters:,} meter{'s' if meters > 1 else ''}"
    if not installed():
        return label, f"{len(heard[0])}", count(ours), "", ""
    peer = peer_rate(heard, [address.identification for address in fleet], key)
    return label, f"{len(heard[0])}", count(ours), count(peer), f"{ours / peer:.1f}"


def _short(address: MeterAddress, number: int, key: bytes) -> bytes:
    records = bytes.fromhex("0413") + number.to_bytes(4, "little") + bytes.fromhex("023b0000")
    if key:
        return mode_5_telegram(SEND_NO_REPLY, address, number & 0xFF, records, key)
    return plain_telegram(SEND_NO_REPLY, address, number & 0xFF, records)


def _rate(reader: WirelessReader, telegrams: Sequence[bytes], values: int) -> float:
    assert len(reader.read(telegrams[0]).values) == values
    return len(telegrams) / seconds_each(partial(_read, reader, telegrams), samples=5)


def _read(reader: WirelessReader, telegrams: Sequence[bytes]) -> None:
    for telegram in telegrams:
        reader.read(telegram)


def _address(number: int) -> MeterAddress:
    return MeterAddress(manufacturer_code("OAM"), f"{number:08d}", 1, 7)
