"""DLMS on the wire, on one core: HDLC frames out of a clean stream beside gurux-dlms's, APDUs, protection, profiles."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from functools import partial
from itertools import product

from benchmarks.cores import OURS, pinned, seconds_each
from benchmarks.table import Table, count
from gurux_peer import PYTHON, ROOT
from openami.model.obis import ObisCode
from openami.protocols.dlms.apdu import decode_apdu, encode_apdu
from openami.protocols.dlms.data import double_long_unsigned, encode_data, null, octet_string, structure, unsigned
from openami.protocols.dlms.date_time import CosemDateTime
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor
from openami.protocols.dlms.get import GetRequestNormal
from openami.protocols.dlms.hdlc.address import HdlcAddress
from openami.protocols.dlms.hdlc.frame import Frame, FrameKind, encode_frame
from openami.protocols.dlms.hdlc.parser import HdlcParser
from openami.protocols.dlms.profile import decode_profile
from openami.protocols.dlms.security import SecurityControl, SecurityKeys, protect, unprotect

SCRIPT = ROOT / "tests" / "peers" / "gurux_wire.py"
SIZES = (64, 128, 256, 1024)
AROUND = 14
STREAM_BYTES = 1 << 20
CHUNK_BYTES = 1 << 16
PEER_REPEAT = 50
PROFILE_ROWS = 9_600
PERIOD_S = 900
START = 1_767_225_600  # 2026-01-01 00:00:00Z
TITLE = b"OAM\x10\x00\x00\x00\x2a"
KEYS = SecurityKeys(bytes(range(16)), bytes(range(16, 32)))
PROTECTION = SecurityControl.AUTHENTICATED_ENCRYPTION


def run() -> Table:
    """A line for each size of frame, and for each of the rest."""
    with pinned(OURS):
        rows = [*_frames(), *_apdus(), _compressed()]
    return Table(
        "dlms_wire",
        "DLMS on the wire, one core",
        ("what", "ours", "gurux-dlms", "ratio"),
        rows,
        (
            "Processor time, median of 9 samples (ours) and 5 (peer). Frames: a stream of numbered frames with all",
            "sequence numbers, 64 KiB at a time, every checksum verified; the peer takes one frame again and again.",
        ),
    )


def _frame(size: int, send: int, receive: int, kind: FrameKind = FrameKind.I) -> bytes:
    information = bytes(number * 7 & 0xFF for number in range(size - AROUND))
    frame = Frame(HdlcAddress(16), HdlcAddress(1, 17), kind, information=information)
    numbered = frame._replace(send_sequence=send, receive_sequence=receive)
    return encode_frame(numbered if kind is FrameKind.I else frame)


def _parse(stream: bytes) -> None:
    parser = HdlcParser()
    for at in range(0, len(stream), CHUNK_BYTES):
        parser.feed(stream[at : at + CHUNK_BYTES])


def _frames() -> list[tuple[str, ...]]:
    peer = _peer([_frame(size, 0, 0, FrameKind.UI) for size in SIZES])
    rows: list[tuple[str, ...]] = []
    for size, seconds in zip(SIZES, peer, strict=True):
        some = b"".join(_frame(size, send, receive) for send, receive in product(range(8), repeat=2))
        stream = some * (STREAM_BYTES // len(some) + 1)
        ours, theirs = len(stream) / seconds_each(partial(_parse, stream)) / 1e6, size / seconds / 1e6
        rows.append((f"HDLC frames of {size} bytes, MB/s", count(ours), f"{theirs:.2g}", f"{ours / theirs:,.0f} ×"))
    return rows


def _peer(frames: Sequence[bytes]) -> list[float]:
    asked = json.dumps({"core": OURS, "frames": [frame.hex() for frame in frames], "repeat": PEER_REPEAT})
    done = subprocess.run(
        [str(PYTHON), "-W", "ignore", str(SCRIPT)], input=asked, capture_output=True, text=True, check=True
    )
    return [float(each) for each in json.loads(done.stdout.splitlines()[-1])]


def _apdus() -> list[tuple[str, ...]]:
    request = GetRequestNormal(0xC1, CosemAttributeDescriptor(3, ObisCode(1, 0, 1, 8, 0, 255), 2), None)
    raw, plain = encode_apdu(request), bytes(500)
    sealed = protect(KEYS, TITLE, 1, PROTECTION, plain)
    works: dict[str, Callable[[], object]] = {
        "GetRequestNormal decoded, µs": partial(decode_apdu, raw),
        "GetRequestNormal encoded, µs": partial(encode_apdu, request),
        "500 bytes protected, suite 0, µs": partial(protect, KEYS, TITLE, 1, PROTECTION, plain),
        "500 bytes unprotected, suite 0, µs": partial(unprotect, KEYS, TITLE, sealed),
    }
    return [(name, f"{seconds_each(work) * 1e6:.2f}", "", "") for name, work in works.items()]


def _compressed() -> tuple[str, ...]:
    clock = octet_string(bytes(CosemDateTime.from_utc(START, -60)))
    body = b"".join(
        encode_data(structure(null() if number else clock, unsigned(0), double_long_unsigned(number)))
        for number in range(PROFILE_ROWS)
    )
    raw = b"\x01\x82" + PROFILE_ROWS.to_bytes(2, "big") + body
    rate = PROFILE_ROWS / seconds_each(partial(decode_profile, raw, capture_period_s=PERIOD_S))
    return f"profile with null-compressed stamps, {PROFILE_ROWS:,} rows, rows/s", count(rate), "", ""
