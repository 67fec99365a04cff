"""What real meters push: Kaifa, Kamstrup, Aidon and others, their deviations included."""

from __future__ import annotations

import pytest

from openami.protocols.dlms.apdu import decode_apdu, encode_apdu, explain_apdu
from openami.protocols.dlms.notification import DataNotification
from openami.protocols.dlms.plain import plain
from shared_vectors import vectors
from spans import check_tiling

LLC = bytes.fromhex("e6e700")
FCS_SIZE = 2


def notification(entry) -> bytes:
    """The APDU of a push, which may come with its LLC header or in one HDLC frame, with or without flags."""
    raw = bytes.fromhex(entry["hex"])
    expected = entry["expected"]
    if raw[0] == 0x7E:
        raw = raw[1:-1]
    if "hdlc" in expected:
        raw = raw[:-FCS_SIZE]
    return raw.partition(LLC)[2] if "llc" in expected else raw


CASES = [
    pytest.param(notification(entry), entry["expected"], id=entry["name"])
    for entry in vectors("dlms", "push")
    if "body" in entry["expected"]
]


@pytest.mark.parametrize(("raw", "expected"), CASES)
def test_push(raw, expected):
    apdu = decode_apdu(raw)
    assert isinstance(apdu, DataNotification)
    shown = plain(apdu)
    assert (shown["date_time"] or {"hex": None})["hex"] == expected["date_time"]
    assert apdu.date_time_tagged is ("date_time_encoding" in expected)
    body = expected["body"]
    assert {key: shown["notification_body"][key] for key in body} == body
    stated = expected.get("long_invoke_id_and_priority", expected.get("long_invoke_id"))
    assert shown["long_invoke_id_and_priority"] == stated
    assert encode_apdu(apdu) == raw


@pytest.mark.parametrize("raw", [case.values[0] for case in CASES])
def test_every_octet_is_explained_once(raw):
    apdu, spans = explain_apdu(raw)
    assert apdu == decode_apdu(raw)
    check_tiling(spans, len(raw))
