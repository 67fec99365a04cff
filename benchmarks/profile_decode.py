"""Load-profile decoding on one core: ours and gurux-dlms's, one after the other, in one run.

Rows of octet-string(12), unsigned, 2 × double-long-unsigned. Ours verifies every tag byte and gives UTC seconds and
columns; the peer gives lists of values, with the clock as bytes (raw) or as date-times.
"""

from __future__ import annotations

import statistics
from functools import partial

from benchmarks.cores import OURS, pinned, seconds_each
from benchmarks.table import Table, count
from gurux_peer import GuruxPeer
from openami.protocols.dlms.data import (
    decode_data,
    double_long_unsigned,
    encode_data,
    octet_string,
    structure,
    unsigned,
)
from openami.protocols.dlms.date_time import CosemDateTime
from openami.protocols.dlms.profile import decode_profile, decode_profiles

SIZES = (96, 960, 9_600)
METERS = 1_000
START = 1_767_222_000  # 2025-12-31 23:00:00Z


def buffer(rows: int, register: int = 123_456) -> bytes:
    """A profile of `rows` quarter hours, its energy counted from `register` on."""
    body = b"".join(
        encode_data(
            structure(
                octet_string(bytes(CosemDateTime.from_utc(START + 900 * number, -60))),
                unsigned(0),
                double_long_unsigned(register + 7 * number),
                double_long_unsigned(789),
            )
        )
        for number in range(rows)
    )
    return b"\x01\x82" + rows.to_bytes(2, "big") + body


def run() -> Table:
    """Rows per second at each size."""
    rows = []
    with pinned(OURS), GuruxPeer(OURS) as peer:
        for size in SIZES:
            raw = buffer(size)
            ours = size / seconds_each(partial(decode_profile, raw))
            general = size / seconds_each(partial(decode_data, raw))
            plain, dated = (size / _peer_seconds(peer, raw, size, dates) for dates in (False, True))
            again = size / seconds_each(partial(decode_profile, raw))
            ours = (ours + again) / 2
            rows.append(_row(f"{size:,} rows", ours, general, plain, dated))
        rows.append(_many_meters(peer))
    return Table(
        "profile_decode",
        "Load-profile decoding, rows per second on one core",
        (
            "buffer",
            "columns, UTC",
            "general decoder",
            "gurux-dlms raw",
            "gurux-dlms with date-times",
            "ratio",
            "ratio with date-times",
        ),
        rows,
        (
            "Median of 9 (ours) and 5 (peer) samples of processor time; ours before and after the peer, averaged.",
            f"The last line is {METERS:,} day profiles in one call, for the peer one by one.",
        ),
    )


def _peer_seconds(peer: GuruxPeer, raw: bytes, rows: int, date_times: bool) -> float:
    repeat = max(5, 2_000 // rows)
    answer = peer.ask("decode", data=raw.hex(), rows=rows, repeat=repeat, date_times=date_times)
    return float(statistics.median(answer["seconds"]))


def _many_meters(peer: GuruxPeer) -> tuple[str, ...]:
    raws = [buffer(96, 1_000 * number) for number in range(METERS)]
    size = 96 * METERS
    ours = size / seconds_each(lambda: decode_profiles(raws), samples=5)
    general = size / seconds_each(lambda: [decode_data(raw) for raw in raws], samples=3)
    plain, dated = (96 / _peer_seconds(peer, raws[0], 96, dates) for dates in (False, True))
    return _row(f"{METERS:,} × 96 rows", ours, general, plain, dated)


def _row(name: str, ours: float, general: float, plain: float, dated: float) -> tuple[str, ...]:
    return name, *map(count, (ours, general, plain, dated)), f"{ours / plain:,.0f} ×", f"{ours / dated:,.0f} ×"
