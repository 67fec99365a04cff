"""Our frames before tshark: pcap files of IEEE 802.15.4 without FCS, and the fields that it finds in them."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

LINKTYPE_802154_NOFCS = 230
LINKTYPE_RAW = 101
CONTEXT = "6lowpan.context0:fd00::/64"

need_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")


def write_pcap(path: Path, frames: Iterable[bytes], link_type: int = LINKTYPE_802154_NOFCS) -> Path:
    """A capture file with one frame a second."""
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link_type))
        for second, frame in enumerate(frames):
            file.write(struct.pack("<IIII", second, 0, len(frame), len(frame)) + frame)
    return path


def dissect(path: Path, *options: str) -> list[dict[str, Any]]:
    """All layers of each packet as tshark's JSON has them, duplicate keys kept as lists."""
    command = ["tshark", "-r", str(path), "-T", "json", "--no-duplicate-keys", "-o", CONTEXT]
    for option in options:
        command += ["-o", option]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return [packet["_source"]["layers"] for packet in json.loads(done.stdout)]


def fields(path: Path, names: Sequence[str], *options: str) -> list[list[str]]:
    """The named fields of each packet, as text; several values of a field are joined by commas."""
    command = ["tshark", "-r", str(path), "-T", "fields", "-E", "separator=|", "-o", CONTEXT]
    for option in options:
        command += ["-o", option]
    for field in names:
        command += ["-e", field]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return [line.split("|") for line in done.stdout.splitlines()]
