"""Wired M-Bus frames to values on one core: ours and pyMeterBus's, one after the other, in one run.

The frames are those of each medium's meter, with a different reading in each. Ours checks frame and
checksum and gives exact values with names and units; the peer gives JSON.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from functools import partial

from benchmarks.cores import OURS, pinned, seconds_each
from benchmarks.table import Table, count
from gurux_peer import PYTHON, ROOT
from openami.field.meter.daily_flow import DailyFlow
from openami.field.meter.pipe_meter import PipeKind, PipeMeter, PipeMeterConfig
from openami.protocols.mbus.application import HeaderSize, decode_application
from openami.protocols.mbus.columns import TelegramLayout
from openami.protocols.mbus.encode import telegrams
from openami.protocols.mbus.layout import compile_layout
from openami.protocols.mbus.records import PLANS
from openami.protocols.mbus.wired.frame import Control, LongFrame, decode_frame, encode_frame

SCRIPT = ROOT / "tests" / "peers" / "meterbus_decode.py"
FRAMES = 1_000
PEER_FRAMES = 200
START = 1_767_225_600  # 2026-01-01 00:00:00Z
STEP_S = 3_607
DATA_AT = 7 + HeaderSize.LONG.value


def frames(kind: PipeKind) -> list[bytes]:
    """Read-outs of one meter, an hour apart."""
    meter = PipeMeter(PipeMeterConfig(kind, "12345678", 1), DailyFlow(START))
    made = []
    for number in range(FRAMES):
        records = meter.records(START + STEP_S * number)
        ((ci, data),) = telegrams(meter.address, number & 0xFF, 0, records)
        made.append(encode_frame(LongFrame(Control.RSP_UD.value, 1, ci, data)))
    return made


def run() -> Table:
    """Frames per second of each kind of meter."""
    rows = []
    with pinned(OURS):
        for kind in PipeKind:
            made = frames(kind)
            ours = FRAMES / seconds_each(partial(_values, made))
            first = FRAMES / seconds_each(partial(_first_sight, made))
            columns = FRAMES / seconds_each(partial(_columns, made))
            peer = _peer(made[:PEER_FRAMES])
            name = kind.name.lower().replace("_", " ")
            label = f"{name}, {len(made[0])} bytes"
            rates = [count(rate) for rate in (ours, first, columns, peer)]
            rows.append((label, *rates, f"{ours / peer:.1f}", f"{columns / peer:.0f}"))
    return Table(
        "mbus_decode",
        "Wired M-Bus frames, per second on one core",
        ("meter", "values", "values, headers never seen", "columns", "pyMeterBus to JSON", "ratio", "ratio of columns"),
        rows,
        (
            "Processor time, median of 9 samples (ours) and 5 (peer). Headers never seen: all are worked out",
            "anew in each frame. Columns check each frame's checksum and headers and hold its numbers only.",
        ),
    )


def _values(made: Sequence[bytes]) -> None:
    for raw in made:
        frame = decode_frame(raw)
        assert isinstance(frame, LongFrame)
        decode_application(frame.ci, frame.data)


def _first_sight(made: Sequence[bytes]) -> None:
    for raw in made:
        compile_layout.cache_clear()
        PLANS.forget()
        frame = decode_frame(raw)
        assert isinstance(frame, LongFrame)
        decode_application(frame.ci, frame.data)


def _columns(made: Sequence[bytes]) -> None:
    for raw in made:
        decode_frame(raw)
    payloads = [raw[DATA_AT:-2] for raw in made]
    TelegramLayout(payloads[0]).decode(payloads)


def _peer(made: Sequence[bytes]) -> float:
    asked = json.dumps({"core": OURS, "frames": [raw.hex() for raw in made]})
    done = subprocess.run(
        [str(PYTHON), "-W", "ignore", str(SCRIPT)], input=asked, capture_output=True, text=True, check=True
    )
    answer = json.loads(done.stdout.splitlines()[-1])
    return float(answer["read"] / answer["seconds"])
