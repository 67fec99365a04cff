"""Every DLMS vector goes through the decoder that `openami decode` uses, detected and opened as a user would."""

from __future__ import annotations

import pytest

from openami.protocols.decode import decode_message
from openami.protocols.dlms.telegram import DlmsDecoder
from shared_vectors import vectors

DETECTED = ("acse", "ciphered", "hdlc", "push", "wrapper", "xdlms")
NAMED = ("axdr-data", "compact-array")


def cases(categories, wanted=lambda _expected: True):
    found = [(category, entry) for category in categories for entry in vectors("dlms", category)]
    found = [(category, entry) for category, entry in found if wanted(entry.get("expected") or {})]
    return [pytest.param(entry, id=f"{category}:{entry['name']}") for category, entry in found]


def decode(entry, protocol=None):
    keys = entry.get("keys") or {}
    secrets = [bytes.fromhex(keys[name]) for name in ("ek", "ak") if name in keys]
    titles = [bytes.fromhex(keys["system_title"])] if "system_title" in keys else []
    decoder = DlmsDecoder(secrets, titles)
    return decode_message(bytes.fromhex(entry["hex"]), decoder.decoders(), protocol)


def numbers(value):
    """All numbers in a JSON value, in order."""
    if isinstance(value, dict):
        return [number for part in value.values() for number in numbers(part)]
    if isinstance(value, list):
        return [number for part in value for number in numbers(part)]
    return [value] if isinstance(value, int | float) and not isinstance(value, bool) else []


@pytest.mark.parametrize("entry", cases(DETECTED))
def test_detected_and_explained(entry):
    decoded = decode(entry)
    plain = decoded.plain()
    assert plain["protocol"] in {"hdlc", "wrapper", "llc", "dlms"}
    assert plain["kind"]
    assert decoded.spans
    if (entry.get("expected") or {}).get("plain"):
        assert decoded.inner[0].data.hex() == entry["expected"]["plain"]


@pytest.mark.parametrize("entry", cases(NAMED))
def test_bare_data_has_the_stated_values(entry):
    plain = decode(entry, "data").plain()
    expected = entry["expected"].get("data")
    if expected is not None:
        assert {name: plain[name] for name in expected} == expected
    else:
        assert numbers(plain["value"]) == numbers(entry["expected"]["contents"])


@pytest.mark.parametrize("entry", cases(("push",), lambda expected: "value" in (expected.get("body") or {})))
def test_pushed_numbers_are_the_stated_ones(entry):
    body = entry["expected"]["body"]
    plain = decode(entry).plain()
    while "notification_body" not in plain:
        plain = plain["content"]
    assert numbers(plain["notification_body"]) == numbers(body)
