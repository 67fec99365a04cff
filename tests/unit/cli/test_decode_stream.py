"""`openami decode` reads files of any length as a stream: what it holds does not grow with them."""

from __future__ import annotations

import os
import subprocess

import pytest

from command_line import PROGRAM
from openami.protocols.mbus.wireless.address import MeterAddress, manufacturer_code
from openami.protocols.mbus.wireless.sealing import plain_telegram

RECORDS = bytes.fromhex("0c1378563412")
MORE_KIB = 24 * 1024
FULL_KIB = 72 * 1024
"""What the memory of the last 131,072 addresses comes to hold."""


def captures(path, lines):
    maker = manufacturer_code("OAM")
    with path.open("w") as file:
        for number in range(lines):
            address = MeterAddress(maker, f"{number:08d}", 1, 7)
            file.write(plain_telegram(0x44, address, number & 0xFF, RECORDS).hex() + "\n")
    return path


def peak_kib(path, *options):
    """The most that the program held while it decoded, and how many lines it gave."""
    with subprocess.Popen([*PROGRAM, "decode", *options, path, "--json"], stdout=subprocess.PIPE) as running:
        told = sum(1 for _ in running.stdout)
        _, status, usage = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
    assert running.returncode == 0
    return usage.ru_maxrss, told


@pytest.mark.parametrize("options", [(), ("--file",)], ids=["table", "explained"])
def test_ten_times_the_lines_are_no_more_memory(tmp_path, options):
    few, _ = peak_kib(captures(tmp_path / "few.hex", 1_000), *options)
    many, told = peak_kib(captures(tmp_path / "many.hex", 10_000), *options)
    assert told == 10_000
    assert many - few < MORE_KIB


@pytest.mark.long
def test_three_hundred_thousand_lines(tmp_path):
    few, _ = peak_kib(captures(tmp_path / "few.hex", 1_000))
    many, told = peak_kib(captures(tmp_path / "many.hex", 300_000))
    assert told == 300_000
    assert many - few < FULL_KIB
