"""Everything decoded as JSON-ready Python."""

from __future__ import annotations

import pytest

from openami.model.obis import ObisCode
from openami.protocols.dlms.access import AccessGet, AccessRequest, AccessResponse, AccessResult
from openami.protocols.dlms.access_result import DataAccessResult
from openami.protocols.dlms.apdu import decode_apdu
from openami.protocols.dlms.data import (
    CompactArray,
    Data,
    DataType,
    TypeDescription,
    array,
    date,
    date_time,
    decode_data,
    octet_string,
    structure,
    time,
    unsigned,
    visible_string,
)
from openami.protocols.dlms.date_time import ClockStatus, CosemDate, CosemDateTime, CosemTime
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor
from openami.protocols.dlms.general import GeneralCiphering, GeneralHeader, GeneralSigning
from openami.protocols.dlms.plain import plain


def test_simple_values():
    assert plain(None) is None
    assert plain([True, 1, 0.5, "text", b"\x01\xff"]) == [True, 1, 0.5, "text", "01ff"]
    assert plain(ObisCode(1, 0, 1, 8, 0)) == "1-0:1.8.0*255"
    assert plain(DataAccessResult.OTHER_REASON) == "other-reason"
    assert plain(ClockStatus.DAYLIGHT_SAVING) == "80"
    assert plain(DataType.LONG64) == "long64"


def test_data_nested():
    assert plain(structure(unsigned(7), array(octet_string(b"\x01"), visible_string("a")))) == {
        "type": "structure",
        "value": [
            {"type": "unsigned", "value": 7},
            {
                "type": "array",
                "value": [{"type": "octet-string", "value": "01"}, {"type": "visible-string", "value": "a"}],
            },
        ],
    }


def test_compact_array_has_its_types_once():
    assert plain(decode_data(bytes.fromhex("1301000202020f16080102030405060708"))) == {
        "type": "compact-array",
        "value": {
            "description": ["array", 2, ["structure", "integer", "enum"]],
            "contents": [[[1, 2], [3, 4]], [[5, 6], [7, 8]]],
        },
    }
    empty = CompactArray(TypeDescription(DataType.UNSIGNED), ())
    assert plain(Data(DataType.COMPACT_ARRAY, empty))["value"] == {"description": "unsigned", "contents": []}


def test_date_times_keep_the_octets_of_what_is_not_specified():
    shown = plain(CosemDateTime(2021, 1, 24, None, 14, 48, 57, 80, -60, ClockStatus(0)))
    assert shown == {
        "iso": "2021-01-24T14:48:57.800000+01:00",
        "year": 2021,
        "month": 1,
        "day": 24,
        "weekday": 255,
        "hour": 14,
        "minute": 48,
        "second": 57,
        "hundredths": 80,
        "deviation": -60,
        "clock_status": "00",
        "hex": "07e50118ff0e303950ffc400",
    }
    unknown = plain(CosemDateTime(None, None, None))
    assert (unknown["iso"], unknown["year"], unknown["deviation"], unknown["clock_status"]) == (
        None,
        65535,
        -32768,
        "ff",
    )


def test_date_and_time_types():
    assert plain(date(CosemDate(2020, 1, 2)))["value"] == {"year": 2020, "month": 1, "day": 2, "weekday": 255}
    assert plain(time(CosemTime(1, 2, 3)))["value"] == {"hour": 1, "minute": 2, "second": 3, "hundredths": 255}
    assert plain(date_time(CosemDateTime(2020, 1, 2)))["value"]["iso"] is None


def test_a_request_field_by_field():
    assert plain(decode_apdu(bytes.fromhex("c001c1000100002b0100ff0200"))) == {
        "service": "get-request-normal",
        "invoke_id_and_priority": 0xC1,
        "invoke_id": 1,
        "confirmed": True,
        "high_priority": True,
        "cosem_attribute_descriptor": {"class_id": 1, "instance_id": "0-0:43.1.0*255", "attribute_id": 2},
        "access_selection": None,
    }


def test_a_protected_apdu_without_keys():
    assert plain(decode_apdu(bytes.fromhex("c8073000000001aabb"))) == {
        "service": "glo-get-request",
        "tag": "glo-get-request",
        "security_control": "30",
        "invocation_counter": 1,
        "ciphertext": "aabb",
    }
    assert plain(decode_apdu(bytes.fromhex("c8023000")))["content"] == "3000"


def test_a_general_ciphered_apdu_shows_its_security_header():
    header = GeneralHeader(b"\x01", b"OAM\x00\x00\x00\x00\x01", b"OAM\x10\x00\x00\x00\x2a")
    shown = plain(GeneralCiphering(header, None, bytes.fromhex("3000000001aabb")))
    assert (shown["security_control"], shown["invocation_counter"], shown["ciphertext"]) == ("30", 1, "aabb")


def test_what_a_signature_covers_is_an_apdu_and_no_security_header():
    header = GeneralHeader(b"\x01", b"OAM\x00\x00\x00\x00\x01", b"OAM\x10\x00\x00\x00\x2a")
    shown = plain(GeneralSigning(header, bytes.fromhex("c001c1000100002b0100ff0200"), bytes(64)))
    assert shown["content"] == "c001c1000100002b0100ff0200"
    assert "security_control" not in shown


def test_the_data_of_an_access_request_and_of_its_response():
    request = AccessRequest(1, b"", (AccessGet(CosemAttributeDescriptor(1, ObisCode(0, 0, 43, 1, 0), 2)),), (b"\x00",))
    assert plain(request)["access_request_list_of_data"] == [{"type": "null-data", "value": None}]
    response = AccessResponse(1, b"", None, (b"\x11\x07",), (AccessResult(1, DataAccessResult.SUCCESS),))
    assert plain(response)["access_response_list_of_data"] == [{"type": "unsigned", "value": 7}]


def test_results_of_a_list():
    shown = plain(decode_apdu(bytes.fromhex("c403c1020011010103")))
    assert shown["result"] == [{"type": "unsigned", "value": 1}, "read-write-denied"]


@pytest.mark.parametrize("value", [object(), CosemDateTime, {1}])
def test_what_nothing_decodes_to_has_no_plain_form(value):
    with pytest.raises(TypeError, match="has no plain form"):
        plain(value)
