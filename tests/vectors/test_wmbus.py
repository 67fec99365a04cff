"""The wireless telegrams that lie beside the project: every number that their publisher printed is one of ours.

What differs, and why, stands in docs/reference/wmbus.md; the lists here are that table.
"""

from __future__ import annotations

import pytest

from openami.model.errors import SettingError
from openami.protocols.mbus.wireless.keys import KeyStore
from openami.protocols.mbus.wireless.reader import Reading, WirelessReader
from wmbus_numbers import missing, telegrams

ENTRIES = [entry for entry in telegrams() if entry["telegram_hex"][:2] != "68"]
pytestmark = pytest.mark.skipif(not ENTRIES, reason="the shared vectors are not there")

DIFFERENT = {
    "c5isf": "8000 0000 means no value; the publisher shows −2147483648, and shows a power per month as a power",
    "em24": "the correction factor 10^-1 counts here; apparent energy is the publisher's own calculation",
    "emerlin868": "8000 0000 means no value; the publisher shows −2147483648",
    "q400": "the days of battery life are shown as per cent by the publisher",
    "qwaterv2": "the duration of an exceeded limit is shown as a volume flow by the publisher",
}


def read(entry, reader: WirelessReader | None = None) -> Reading:
    key = entry.get("key_hex")
    try:
        keys = KeyStore([bytes.fromhex(key)] if key else [])
    except SettingError:
        keys = KeyStore()
    return (reader or WirelessReader(keys)).read(bytes.fromhex(entry["telegram_hex"]))


def of(kind):
    return [pytest.param(entry, id=f"{entry['driver_name']}-{entry['terms']}-{entry['line']}") for entry in ENTRIES
            if entry["oms_generic"] == kind]  # fmt: skip


@pytest.mark.parametrize("entry", of("full"))
def test_full_telegrams_give_the_numbers(entry):
    left = missing(entry, read(entry).values)
    if entry["driver_name"] not in DIFFERENT:
        assert left == []


def test_the_list_of_differences_is_no_longer_than_it_must_be():
    names = {entry["driver_name"] for entry in ENTRIES if entry["oms_generic"] == "full"}
    differing = {
        entry["driver_name"]
        for entry in ENTRIES
        if entry["oms_generic"] == "full" and missing(entry, read(entry).values)
    }
    assert differing == set(DIFFERENT) & names


def test_plain_texts_are_opened_to_the_byte():
    checked = 0
    for entry in ENTRIES:
        expected = (entry.get("expected") or {}).get("plaintext_hex")
        if expected is not None:
            opened = read(entry).telegram.opened
            assert opened is not None
            assert opened.content.hex() == expected, entry["title"]
            checked += 1
    assert checked >= 4


def test_partial_and_compact_telegrams():
    """In the order of the file, as a receiver hears them: formats are learned on the way."""
    reader = WirelessReader()
    right = total = 0
    for entry in ENTRIES:
        if entry["oms_generic"] not in {"partial", "compact"} or not entry.get("expected"):
            continue
        reading = read(entry, None if entry.get("key_hex") else reader)
        total += 1
        right += not missing(entry, reading.values)
    assert right / total >= SHARE


SHARE = 0.85
