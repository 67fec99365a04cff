"""P1, SML and IEC 62056-21 to values on one core: ours and dsmr-parser's, smllib's and iec62056-21's, in one run.

The messages are an electricity meter's own, with other readings in each.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

from benchmarks.cores import OURS, pinned, seconds_each
from benchmarks.table import Table, count
from gurux_peer import PYTHON, ROOT
from openami.protocols.iec62056_21.data_set import DataSet, encode_data_sets
from openami.protocols.iec62056_21.message import DataBlock, encode_data_block
from openami.protocols.iec62056_21.p1 import encode_p1
from openami.protocols.iec62056_21.readout import Readouts
from openami.protocols.sml.element import integer, unsigned
from openami.protocols.sml.file import Message, decode_file, encode_file
from openami.protocols.sml.measurements import measurements
from openami.protocols.sml.messages import Body, CloseResponse, GetListResponse, OpenResponse
from openami.protocols.sml.transport import TransportedFile, TransportParser, encode_transport
from openami.protocols.sml.types import ListEntry

SCRIPT = ROOT / "tests" / "peers" / "local_port_decode.py"
MESSAGES = 100
LINES = 30
SML_MESSAGES = 3


def run() -> Table:
    """Messages per second of each protocol."""
    p1, readouts, sml = _p1(), _readouts(), _sml()
    blocks = [encode_data_block(DataBlock(text + "!\r\n")).decode("latin-1") for text in readouts]
    rows = []
    with pinned(OURS):
        for label, work, peer, messages, each in (
            (f"P1, {len(p1[0])} bytes", lambda: _read_p1(p1), "p1", [one.decode() for one in p1], 1),
            (
                f"IEC 62056-21, {LINES} lines, {len(readouts[0])} bytes",
                lambda: _read(readouts),
                "iec62056-21",
                blocks,
                1,
            ),
            (f"SML, messages of {len(sml[0]) // SML_MESSAGES} bytes", lambda: _read_sml(sml), "sml",
             [one.hex() for one in sml], SML_MESSAGES),
        ):  # fmt: skip
            rows.append(_row(label, work, peer, messages, each))
    return Table(
        "local_ports",
        "Local ports to values, messages per second on one core",
        ("messages", "ours", "peer", "ratio"),
        rows,
        (
            "Processor time, median of 9 samples (ours) and 5 (peer). Ours gives OBIS code, exact quantity, UTC and",
            "quality; P1 with its checksum verified, SML with those of transport and messages.",
            "Peers: dsmr-parser, iec62056-21 and smllib (which gives the messages' fields).",
        ),
    )


def _row(label: str, work: Callable[[], object], peer: str, messages: list[str], each: int) -> tuple[str, ...]:
    ours = MESSAGES * each / seconds_each(work)
    theirs = MESSAGES * each / _peer(peer, messages)
    return label, count(ours), count(theirs), f"{ours / theirs:.0f}"


def _read_p1(telegrams: list[bytes]) -> None:
    readouts = Readouts()
    for telegram in telegrams:
        readouts.read_p1(telegram)


def _read(texts: list[str]) -> None:
    readouts = Readouts()
    for text in texts:
        readouts.read(text)


def _read_sml(files: list[bytes]) -> None:
    for event in TransportParser().feed(b"".join(files)):
        assert isinstance(event, TransportedFile)
        measurements(decode_file(event.data))


def _p1() -> list[bytes]:
    head = [DataSet("1-3:0.2.8", ("50",)), DataSet("0-0:96.1.1", ("4B384547303034303436333935353037",))]
    made = []
    for n in range(MESSAGES):
        sets = [*head, DataSet("0-0:1.0.0", (f"260101{n // 60:02d}{n % 60:02d}00W",))]
        sets += [DataSet(f"1-0:{c}.8.{e}", (f"{1000 * c + n:06d}.{n:03d}*kWh",)) for c in (1, 2) for e in (1, 2)]
        sets += [DataSet(f"1-0:{c}.7.0", (f"{n % 99:02d}.{c:03d}*kW",)) for c in (1, 2, 21, 22, 41, 42, 61, 62)]
        sets += [DataSet(f"1-0:{c}.7.0", (f"{220 + n % 9}.{n % 10}*V",)) for c in (32, 52, 72)]
        sets += [DataSet(f"1-0:{c}.7.0", (f"{n % 99:03d}*A",)) for c in (31, 51, 71)]
        sets += [DataSet(f"0-0:96.7.{e}", (f"{n:05d}",)) for e in (9, 21)]
        sets.append(DataSet("0-1:24.1.0", ("003",)))
        sets.append(DataSet("0-1:24.2.1", (f"260101{n // 60:02d}0000W", f"{n:05d}.{n:03d}*m3")))
        made.append(encode_p1("ISk5OpenAMI", sets))
    return made


def _readouts() -> list[str]:
    return [
        encode_data_sets(DataSet(f"1.8.{line}", (f"{line * n:06d}.{n:03d}*kWh",)) for line in range(LINES))
        for n in range(MESSAGES)
    ]


def _sml() -> list[bytes]:
    server, made = b"\x0a\x01OAM\x00\x00\x00\x00\x01", []
    for n in range(MESSAGES):
        codes = (b"\1\0\1\x08\0\xff", b"\1\0\1\x08\1\xff", b"\1\0\2\x08\0\xff", b"\1\0\x10\7\0\xff")
        entries = tuple(
            ListEntry(code, None, None, 30, integer(-1, 1), unsigned(1000 * n + at, 8)) for at, code in enumerate(codes)
        )
        listed = GetListResponse(None, server, None, None, entries)
        bodies: tuple[Body, ...] = (OpenResponse(None, None, b"1", server), listed, CloseResponse())
        messages = [Message(bytes((n, at)), 0, 0, body) for at, body in enumerate(bodies)]
        made.append(encode_transport(encode_file(messages)))
    return made


def _peer(peer: str, messages: list[str]) -> float:
    asked = json.dumps({"core": OURS, "peer": peer, "messages": messages})
    done = subprocess.run(
        [str(PYTHON), "-W", "ignore", str(SCRIPT)], input=asked, capture_output=True, text=True, check=True
    )
    return float(json.loads(done.stdout.splitlines()[-1])["seconds"])
