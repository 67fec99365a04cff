"""Published P1 telegrams, beside what two other programs make of them."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from openami.model.errors import FrameCheckError
from openami.model.quantity import Quantity
from openami.protocols.iec62056_21.data_set import encode_data_set
from openami.protocols.iec62056_21.measurements import measurements
from openami.protocols.iec62056_21.p1 import Variant, decode_p1
from openami.protocols.iec62056_21.p1_encrypted import Authentication, open_p1
from openami.protocols.iec62056_21.p1_stream import P1Parser, Received
from shared_vectors import NEEDED, VECTORS

PERMISSIVE = VECTORS / "p1" / "permissive"
UNLICENSED = VECTORS / "p1" / "unlicensed"
SCALES = {"kWh": 1e3, "kW": 1e3, "MJ": 1e6, "kvarh": 1e3, "kvar": 1e3, "GJ": 1e9}


def index(folder):
    file = folder / "index.json"
    return json.loads(file.read_text()) if file.exists() else []


JUDGED = [entry for entry in index(PERMISSIVE) if "expected_file" in entry]
TEXTS = [entry for entry in index(UNLICENSED) if "__dsmr__" in entry["file"] and "expected_file" in entry]
SEALED = [entry for entry in index(UNLICENSED) if "luxembourgh-spec" in entry["file"] and "key_hex" in entry]


def telegram_of(octets: bytes):
    """The first whole telegram of a file."""
    parser = P1Parser()
    events = parser.feed(octets) + parser.flush()
    return next(event.telegram for event in events if isinstance(event, Received))


def stated(value):
    """Numbers with their unit, and their time if they have one, anywhere in another program's result."""
    if isinstance(value, list):
        return [each for part in value for each in stated(part)]
    if not isinstance(value, dict):
        return []
    if isinstance(value.get("value"), int | float) and value.get("unit"):
        # The Belgian list of maxima has S beside winter days: by the flag or by the calendar, one hour lies between.
        time = None if "occurred" in value else value.get("datetime")
        return [(round(value["value"] * SCALES.get(value["unit"], 1), 6), time)]
    return [each for part in value.values() for each in stated(part)]


@pytest.mark.parametrize("entry", JUDGED, ids=lambda entry: entry["file"])
def test_every_number_another_program_states(entry):
    telegram = telegram_of((PERMISSIVE / entry["file"]).read_bytes())
    expected = stated(json.loads((PERMISSIVE / entry["expected_file"]).read_text()))
    found = [each for each in measurements(telegram.data_sets) if isinstance(each.value, Quantity)]
    timed = {(round(float(each.value.value), 6), each.time) for each in found}
    numbers = {value for value, _time in timed}
    assert expected
    for value, time in expected:
        assert value in numbers
        if time is not None and telegram.variant is not Variant.DSMR_2_OR_3:
            assert (value, datetime.fromisoformat(time)) in timed


@pytest.mark.parametrize("entry", TEXTS, ids=lambda entry: entry["file"].partition("__dsmr__")[2])
def test_every_object_and_the_checksum(entry):
    expected = json.loads((UNLICENSED / entry["expected_file"]).read_text())
    octets = (UNLICENSED / entry["file"]).read_bytes().replace(b"\r\n", b"\n").rstrip(b"\n")
    octets += b"" if b"!" in octets else b"\n!"
    telegram = decode_p1(octets + b"\n", check=False)
    cosem = expected["cosem"]
    found = [encode_data_set(each) for each in telegram.data_sets]
    # A value on a line of its own is not joined there.
    for each in (*cosem["knownObjects"], *cosem.get("unknownObjects", ())):
        assert any(mine.startswith(each) for mine in found), each
    assert telegram.checksum == (expected["dsmr"].get("crc") or {}).get("value")
    measurements(telegram.data_sets)


@pytest.mark.parametrize("entry", SEALED, ids=lambda entry: entry["file"])
def test_encrypted_telegrams_open(entry):
    octets = bytes.fromhex((UNLICENSED / entry["file"]).read_text())
    ak = entry.get("authentication_key_hex")
    how = Authentication.WITH_KEY if ak else Authentication.WITHOUT_KEY
    plain = open_p1(octets, bytes.fromhex(entry["key_hex"]), how, bytes.fromhex(ak or ""))
    assert plain == open_p1(octets, bytes.fromhex(entry["key_hex"]), Authentication.UNVERIFIED)
    assert decode_p1(plain, check=False).variant is Variant.LUXEMBOURG


@NEEDED
def test_a_telegram_that_was_changed_on_the_way_to_the_collection_is_refused():
    octets = (PERMISSIVE / "dsmr-p1-parser__p1-example-5.0.txt").read_bytes()
    with pytest.raises(FrameCheckError, match="EF2F"):
        decode_p1(octets.strip())
