"""Published APDUs, both ways and explained; what their `expected` says is compared where it says it in our words."""

from __future__ import annotations

import pytest

from openami.protocols.dlms.apdu import decode_apdu, encode_apdu, explain_apdu
from openami.protocols.dlms.plain import plain
from shared_vectors import vectors
from spans import check_tiling

# One maker's lengths are one short; what is made again is right.
MENDED = {"hdlc-i-aare-sn"}
LLC_SIZE = 3


def apdus(category):
    return [pytest.param(bytes.fromhex(entry["hex"]), entry, id=entry["name"]) for entry in vectors("dlms", category)]


def information():
    """The APDUs in unsegmented HDLC information fields."""
    for entry in vectors("dlms", "hdlc"):
        info = bytes.fromhex(entry["expected"].get("info", ""))
        if info[:LLC_SIZE].hex() in {"e6e600", "e6e700"}:
            yield pytest.param(info[LLC_SIZE:], entry, id=entry["name"])


ALL = [*apdus("acse"), *apdus("xdlms"), *apdus("ciphered"), *information()]


@pytest.mark.parametrize(("raw", "entry"), ALL)
def test_both_ways(raw, entry):
    apdu = decode_apdu(raw)
    again = encode_apdu(apdu)
    assert decode_apdu(again) == apdu
    assert (again == raw) is (entry["name"] not in MENDED)


@pytest.mark.parametrize("raw", [case.values[0] for case in ALL])
def test_every_octet_is_explained_once(raw):
    apdu, spans = explain_apdu(raw)
    assert apdu == decode_apdu(raw)
    check_tiling(spans, len(raw))


def values(shown):
    """Every value in a plain form, with its key."""
    if isinstance(shown, dict):
        for key, value in shown.items():
            yield key, value
            yield from values(value)
    elif isinstance(shown, list):
        for value in shown:
            yield from values(value)


# What a vector calls it, what we call it.
WORDS = {
    "result": ["result"],
    "conformance": ["proposed_conformance", "negotiated_conformance"],
    "max_pdu": ["client_max_receive_pdu_size", "server_max_receive_pdu_size"],
    "vaa": ["vaa_name"],
    "diagnostic": ["result_source_diagnostic"],
    "stoc": ["responding_authentication_value"],
    "reason": ["reason"],
    "invoke": ["invoke_id"],
    "confirmed": ["confirmed"],
    "high": ["high_priority"],
    "class": ["class_id"],
    "attr": ["attribute_id"],
    "method": ["method_id"],
    "selector": ["access_selector"],
    "selection": ["access_selection"],
    "last": ["last_block"],
    "block": ["block_number"],
    "expected-ic": ["invocation_counter"],
    "security_control": ["security_control"],
    "state-error": ["state_error"],
    "service-error": ["service_error"],
}
# Where `expected` uses a number, or a number beside the word, for the standard's word.
SPELLED = {
    "authentication-required(14)": "authentication-required",
    "invocation-counter-error(6)": "invocation-counter-error",
    ("state-error", 1): "service-not-allowed",
}


@pytest.mark.parametrize(("raw", "entry"), ALL)
def test_stated_values(raw, entry):
    shown = list(values({"": plain(decode_apdu(raw))}))
    for word, names in WORDS.items():
        if word not in entry["expected"]:
            continue
        value = entry["expected"][word]
        value = SPELLED.get((word, value), SPELLED.get(value, value))
        assert any((name, value) in shown for name in names), f"{word} is not {value!r}: {shown}"


@pytest.mark.parametrize(("raw", "entry"), [*apdus("xdlms"), *apdus("acse")])
def test_stated_names_and_data(raw, entry):
    expected, shown = entry["expected"], plain(decode_apdu(raw))
    if expected.get("service", "").replace("-", "").isalpha():
        assert shown["service"].replace("-", "") == expected["service"].replace("-", "").lower()
    if "apdu" in expected:
        assert shown["service"] == expected["apdu"]
    if "data" in expected and isinstance(expected["data"], dict):
        assert shown["value"] == expected["data"]
    if isinstance(parameter := expected.get("parameter"), dict):
        assert shown["method_invocation_parameters"] == parameter
    elif parameter is not None:
        assert shown["method_invocation_parameters"] == {"type": "octet-string", "value": parameter}
    if "return" in expected:
        assert shown["return_parameters"] == {"type": "octet-string", "value": expected["return"]}
    if "raw-data-length" in expected:
        assert len(bytes.fromhex(shown["result"]["result"])) == expected["raw-data-length"]
    if "ln" in expected:
        name = next(value for key, value in values(shown) if key == "instance_id")
        assert name.replace("-", ".").replace(":", ".").replace("*", ".") == expected["ln"]
