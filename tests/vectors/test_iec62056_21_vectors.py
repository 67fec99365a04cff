"""Read-outs and messages of the field: each is recognised, and every data set in it becomes a value."""

from __future__ import annotations

import json

import pytest

from openami.model.errors import DecodeError, FrameCheckError
from openami.protocols.decode import decode_message
from openami.protocols.iec62056_21.message import decode_command, decode_data_block
from openami.protocols.iec62056_21.telegram import decode_message_bytes, iec62056_21_decoders
from shared_vectors import VECTORS

ROOT = VECTORS / "iec62056_21"
PIECES = {"smartmeter-obis__testSerialResponseD0DSMR_1"}
"""Begin in the middle of a telegram: the protocol has to be named."""
BROKEN = {"smartmeter-obis__testD0Parsing_1"}
"""Begins with noise in the middle of a line."""
FILES = [file for file in sorted(ROOT.glob("*/*.txt")) if file.stem not in BROKEN]
CONTROL = ROOT / "permissive" / "control_messages.json"
CONTROLS = json.loads(CONTROL.read_text()) if CONTROL.exists() else []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_data_set_becomes_a_value(file):
    octets = file.read_bytes().strip(b"\r\n")
    decoded = decode_message(octets, iec62056_21_decoders(), "iec62056-21" if file.stem in PIECES else None).plain()
    content = decoded.get("content", decoded)
    pieces = [piece.strip() for piece in octets.replace(b")", b")\n").splitlines() if b"(" in piece]
    lines = [piece for piece in pieces if piece[:1] != b"(" and b"99.97.0" not in piece]  # a log may be empty
    assert len(content["values"]) >= len(lines)


@pytest.mark.parametrize("name", sorted(BROKEN if FILES else ()))
def test_noise_in_the_middle_of_a_line_is_named(name):
    (file,) = ROOT.glob(f"*/{name}.txt")
    with pytest.raises(DecodeError):
        decode_message(file.read_bytes(), iec62056_21_decoders())


@pytest.mark.parametrize("entry", CONTROLS, ids=lambda entry: entry["hex"][:24])
def test_block_checks(entry):
    octets = bytes.fromhex(entry["hex"])
    decode = decode_command if octets[:1] == b"\x01" else decode_data_block
    if octets[:1] not in {b"\x01", b"\x02"}:
        assert decode_message_bytes(octets).kind
    elif entry["bcc_ok"]:
        decode(octets)
    else:
        with pytest.raises(FrameCheckError):
            decode(octets)
