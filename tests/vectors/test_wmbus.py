"""The wireless telegrams that lie beside the project: every number that their publisher printed is one of ours.

Each telegram that differs is named with the numbers it lacks, and why; docs/reference/wmbus.md counts them.
"""

from __future__ import annotations

import pytest

from openami.model.errors import SettingError
from openami.protocols.mbus.wireless.keys import KeyStore
from openami.protocols.mbus.wireless.reader import Reading, WirelessReader
from shared_vectors import NEEDED
from wmbus_numbers import expected_numbers, missing, name_of, telegrams

ENTRIES = [entry for entry in telegrams() if entry["telegram_hex"][:2] != "68"]
pytestmark = NEEDED

DIFFERENT = {
    "8000 0000 means no value; the publisher shows −2147483648": {
        "c5isf-89fa7f31": {f"prev_{n}_month_kwh" for n in range(2, 15)},
        "emerlin868-857803c4": {"target_m3"},
    },
    "the correction factor 10^-1 counts here; apparent energy is the publisher's own calculation": {
        "em24-dae53329": {
            f"total_{kind}_energy_{way}_{unit}"
            for kind, unit in (("reactive", "kvarh"), ("apparent", "kvah"))
            for way in ("consumption", "production")
        },
        "em24-b2e74aee": {"total_apparent_energy_consumption_kvah"},
    },
    "the publisher shows the duration of an exceeded limit as a volume flow": {
        "qwaterv2-71a46f1c": {"volume_flow_m3h"},
        "qwaterv2-faa41f49": {"volume_flow_m3h"},
        "qwaterv2-94cfe134": {"volume_flow_m3h"},
        "qwaterv2-b4bb7e48": {"volume_flow_m3h"},
        "qwaterv2-a5d6f1fe": {"volume_flow_m3h"},
    },
}
"""Full telegrams (see `name_of`) and the numbers that are not ours, by the reason."""
NOT_READ = {
    "a format whose headers are not known": dict.fromkeys(("kamheat-ce6e9f7e", "kamwater-bbb548d6")),
}
"""The same for partly standard and compact telegrams; None means all numbers."""
PROPRIETARY = {
    "fields whose places are not known": {
        f"apatorna1-{digest}": {"historic_m3", "historic_age_h"}
        for digest in (
            "c1d4e413", "b4418e9d", "78e6198c", "ef95204e", "90a8f49b", "df293dea", "e5032042", "a552cb90",
        )
    },
    "the publisher derives it or reads it as something else": {
        "qwaterv2-9d752bcb": {"volume_flow_m3h"},
        "qwaterv2-f959bd4c": {"volume_delta_2_m3"},
        "apator162-63b23a31": {"rssi_dbm"},
    },
}  # fmt: skip
"""The same for proprietary telegrams."""


def read(entry, reader: WirelessReader | None = None) -> Reading:
    key = entry.get("key_hex")
    try:
        keys = KeyStore([bytes.fromhex(key)] if key else [])
    except SettingError:
        keys = KeyStore()
    return (reader or WirelessReader(keys)).read(bytes.fromhex(entry["telegram_hex"]))


def of(*kinds):
    """The entries of these kinds that have expected numbers."""
    return [entry for entry in ENTRIES if entry["oms_generic"] in kinds and expected_numbers(entry)]


def left_out(entry, by_reason):
    """The numbers of an entry that are known not to be ours."""
    for telegrams_of_reason in by_reason.values():
        if (name := name_of(entry)) in telegrams_of_reason:
            return telegrams_of_reason[name] or set(expected_numbers(entry))
    return set()


@pytest.mark.parametrize("entry", of("full"), ids=name_of)
def test_full_telegrams_give_the_numbers(entry):
    assert missing(entry, read(entry).values) == left_out(entry, DIFFERENT)


@pytest.mark.parametrize("entry", of("no"), ids=name_of)
def test_proprietary_telegrams_give_the_numbers_of_their_drivers(entry):
    assert missing(entry, read(entry).values) == left_out(entry, PROPRIETARY)


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
    for entry in of("partial", "compact"):
        reading = read(entry, None if entry.get("key_hex") else reader)
        assert missing(entry, reading.values) == left_out(entry, NOT_READ), name_of(entry)
