"""Every APDU both ways, explained and shown. The octets are our own, after the Green Book's ASN.1."""

from __future__ import annotations

import json

import pytest

from openami.model.errors import DecodeError, LocalProtocolError
from openami.model.obis import ObisCode
from openami.protocols.dlms.access import (
    AccessAction,
    AccessGet,
    AccessGetWithSelection,
    AccessRequest,
    AccessResponse,
    AccessResult,
    AccessSet,
    AccessSetWithSelection,
)
from openami.protocols.dlms.access_result import ActionResult, DataAccessResult
from openami.protocols.dlms.acse import AARE, AARQ, RLRE, RLRQ, ReleaseRequestReason, ReleaseResponseReason
from openami.protocols.dlms.action import (
    ActionRequestNextPblock,
    ActionRequestNormal,
    ActionRequestWithFirstPblock,
    ActionRequestWithList,
    ActionRequestWithListAndFirstPblock,
    ActionRequestWithPblock,
    ActionResponseNextPblock,
    ActionResponseNormal,
    ActionResponseWithList,
    ActionResponseWithOptionalData,
    ActionResponseWithPblock,
)
from openami.protocols.dlms.apdu import APDU_TAGS, APDU_TYPES, apdu_name, decode_apdu, encode_apdu, explain_apdu
from openami.protocols.dlms.ciphered import Ciphered, CipheredTag, GeneralDedCiphering, GeneralGloCiphering
from openami.protocols.dlms.conformance import Conformance
from openami.protocols.dlms.data import encode_data, long_unsigned, octet_string, structure, unsigned
from openami.protocols.dlms.date_time import CosemDateTime
from openami.protocols.dlms.descriptor import (
    CosemAttributeDescriptor,
    CosemAttributeDescriptorWithSelection,
    CosemMethodDescriptor,
    SelectiveAccess,
)
from openami.protocols.dlms.exception import ExceptionResponse, ExceptionServiceError, StateError
from openami.protocols.dlms.general import (
    AgreedKey,
    GeneralCiphering,
    GeneralHeader,
    GeneralSigning,
    IdentifiedKey,
    KekId,
    KeyId,
    WrappedKey,
)
from openami.protocols.dlms.general_block_transfer import GeneralBlockTransfer
from openami.protocols.dlms.get import (
    DataBlockG,
    GetRequestNext,
    GetRequestNormal,
    GetRequestWithList,
    GetResponseNormal,
    GetResponseWithDatablock,
    GetResponseWithList,
)
from openami.protocols.dlms.information_report import InformationReportRequest
from openami.protocols.dlms.initiate import (
    ConfirmedService,
    ConfirmedServiceError,
    InitiateRequest,
    InitiateResponse,
    ServiceErrorKind,
)
from openami.protocols.dlms.invoke_id import invoke_id, invoke_id_and_priority
from openami.protocols.dlms.notification import DataNotification, DataNotificationConfirm, EventNotificationRequest
from openami.protocols.dlms.plain import plain
from openami.protocols.dlms.selective_access import EntryDescriptor, access_of
from openami.protocols.dlms.set import (
    DataBlockSA,
    SetRequestNormal,
    SetRequestWithDatablock,
    SetRequestWithFirstDatablock,
    SetRequestWithList,
    SetRequestWithListAndFirstDatablock,
    SetResponseDatablock,
    SetResponseLastDatablock,
    SetResponseLastDatablockWithList,
    SetResponseNormal,
    SetResponseWithList,
)
from openami.protocols.dlms.short_name import (
    BlockNumberAccess,
    DataBlock,
    ParameterizedAccess,
    ReadRequest,
    ReadResponse,
    UnconfirmedWriteRequest,
    VariableName,
    WriteDataBlockAccess,
    WriteRequest,
    WriteResponse,
)
from spans import check_tiling

ID = 0xC1
CLOCK = CosemAttributeDescriptor(8, ObisCode(0, 0, 1, 0, 0), 2)
SWITCH = CosemMethodDescriptor(70, ObisCode(0, 0, 96, 3, 10), 1)
ROWS = access_of(EntryDescriptor(1, 10))
ROWS_HEX = "02" "0204" "0600000001" "060000000a" "120001" "120000"  # fmt: skip
ONE = encode_data(unsigned(1))
PAIR = encode_data(structure(long_unsigned(258), octet_string(b"a")))
TWO = (CosemAttributeDescriptorWithSelection(CLOCK), CosemAttributeDescriptorWithSelection(CLOCK, ROWS))
TWO_HEX = f"02 0008 0000010000ff 02 00 0008 0000010000ff 02 01 {ROWS_HEX}"
BLOCK = DataBlockSA(False, 3, b"\x02\x01")
BLOCK_HEX = "00 00000003 02 0201"
DENIED = DataAccessResult.READ_WRITE_DENIED
MIDNIGHT = CosemDateTime(2026, 1, 1, 4, 0, 0, 0, None, None)
MIDNIGHT_HEX = "07ea0101 04 000000 ff 8000 ff"
C = "0008 0000010000ff 02"
M = "0046 000060030aff 01"

ACCESSED = CosemAttributeDescriptor(8, ObisCode(0, 0, 1, 0, 0), 2)
CASES = [
    (GetRequestNormal(ID, CLOCK), f"c0 01 c1 {C} 00"),
    (GetRequestNormal(ID, CLOCK, ROWS), f"c0 01 c1 {C} 01 {ROWS_HEX}"),
    (GetRequestNext(ID, 7), "c0 02 c1 00000007"),
    (GetRequestWithList(ID, TWO), f"c0 03 c1 {TWO_HEX}"),
    (SetRequestNormal(ID, CLOCK, None, PAIR), f"c1 01 c1 {C} 00 0202 120102 0901 61"),
    (SetRequestWithFirstDatablock(ID, CLOCK, ROWS, BLOCK), f"c1 02 c1 {C} 01 {ROWS_HEX} {BLOCK_HEX}"),
    (SetRequestWithDatablock(ID, DataBlockSA(True, 4, b"")), "c1 03 c1 01 00000004 00"),
    (SetRequestWithList(ID, TWO, (ONE, PAIR)), f"c1 04 c1 {TWO_HEX} 02 1101 0202 120102 0901 61"),
    (SetRequestWithListAndFirstDatablock(ID, TWO, BLOCK), f"c1 05 c1 {TWO_HEX} {BLOCK_HEX}"),
    (ActionRequestNormal(ID, SWITCH), f"c3 01 c1 {M} 00"),
    (ActionRequestNormal(ID, SWITCH, ONE), f"c3 01 c1 {M} 01 1101"),
    (ActionRequestNextPblock(ID, 1), "c3 02 c1 00000001"),
    (ActionRequestWithList(ID, (SWITCH, SWITCH), (ONE, PAIR)), f"c3 03 c1 02 {M} {M} 02 1101 0202 120102 0901 61"),
    (ActionRequestWithFirstPblock(ID, SWITCH, BLOCK), f"c3 04 c1 {M} {BLOCK_HEX}"),
    (ActionRequestWithListAndFirstPblock(ID, (SWITCH,), BLOCK), f"c3 05 c1 01 {M} {BLOCK_HEX}"),
    (ActionRequestWithPblock(ID, BLOCK), f"c3 06 c1 {BLOCK_HEX}"),
    (GetResponseNormal(ID, PAIR), "c4 01 c1 00 0202 120102 0901 61"),
    (GetResponseNormal(ID, DENIED), "c4 01 c1 01 03"),
    (GetResponseWithDatablock(ID, DataBlockG(True, 2, b"\x01\x02")), "c4 02 c1 01 00000002 00 02 0102"),
    (GetResponseWithDatablock(ID, DataBlockG(True, 2, DENIED)), "c4 02 c1 01 00000002 01 03"),
    (GetResponseWithList(ID, (ONE, DENIED, PAIR)), "c4 03 c1 03 00 1101 01 03 00 0202 120102 0901 61"),
    (SetResponseNormal(ID, DataAccessResult.SUCCESS), "c5 01 c1 00"),
    (SetResponseDatablock(ID, 9), "c5 02 c1 00000009"),
    (SetResponseLastDatablock(ID, DENIED, 9), "c5 03 c1 03 00000009"),
    (SetResponseLastDatablockWithList(ID, (DENIED, DataAccessResult.SUCCESS), 9), "c5 04 c1 02 03 00 00000009"),
    (SetResponseWithList(ID, (DENIED, DataAccessResult.SUCCESS)), "c5 05 c1 02 03 00"),
    (ActionResponseNormal(ID, ActionResult.SUCCESS), "c7 01 c1 00 00"),
    (ActionResponseNormal(ID, ActionResult.SUCCESS, PAIR), "c7 01 c1 00 01 00 0202 120102 0901 61"),
    (ActionResponseNormal(ID, ActionResult.OTHER_REASON, DENIED), "c7 01 c1 fa 01 01 03"),
    (ActionResponseWithPblock(ID, BLOCK), f"c7 02 c1 {BLOCK_HEX}"),
    (
        ActionResponseWithList(
            ID,
            (
                ActionResponseWithOptionalData(ActionResult.SUCCESS, ONE),
                ActionResponseWithOptionalData(ActionResult.OBJECT_UNDEFINED),
            ),
        ),
        "c7 03 c1 02 00 01 00 1101 04 00",
    ),
    (ActionResponseNextPblock(ID, 2), "c7 04 c1 00000002"),
    (DataNotification(0x40000001, MIDNIGHT, PAIR), f"0f 40000001 0c {MIDNIGHT_HEX} 0202 120102 0901 61"),
    (DataNotification(1, MIDNIGHT, PAIR, True), f"0f 00000001 090c {MIDNIGHT_HEX} 0202 120102 0901 61"),
    (DataNotification(1, None, PAIR), "0f 00000001 00 0202 120102 0901 61"),
    (EventNotificationRequest(None, CLOCK, ONE), f"c2 00 {C} 1101"),
    (EventNotificationRequest(MIDNIGHT, CLOCK, ONE), f"c2 01 0c {MIDNIGHT_HEX} {C} 1101"),
    (ExceptionResponse(StateError.SERVICE_UNKNOWN, ExceptionServiceError.PDU_TOO_LONG), "d8 02 04"),
    (
        ExceptionResponse(StateError.SERVICE_NOT_ALLOWED, ExceptionServiceError.INVOCATION_COUNTER_ERROR, 16),
        "d8 01 06 00000010",
    ),
    (ExceptionResponse(StateError.SERVICE_NOT_ALLOWED, ExceptionServiceError.INVOCATION_COUNTER_ERROR), "d8 01 06"),
    (ConfirmedServiceError(ConfirmedService.READ, ServiceErrorKind.ACCESS, 3), "0e 05 05 03"),
    (
        InitiateRequest(b"k" * 16, False, -1, 6, Conformance.GET | Conformance.ACTION, 1024),
        "01 01 10" + "6b" * 16 + "01 00 01 ff 06 5f1f0400 000011 0400",
    ),
    (InitiateRequest(), "01 00 00 00 06 5f1f0400 000000 ffff"),
    (InitiateResponse(0, 6, Conformance.GENERAL_PROTECTION, 500, 0xFA00), "08 01 00 06 5f1f0400 400000 01f4 fa00"),
    (RLRQ(ReleaseRequestReason.URGENT), "62 03 80 01 01"),
    (RLRQ(), "62 00"),
    (RLRE(ReleaseResponseReason.NOT_FINISHED, b"\x0e\x01\x06\x01"), "63 0b 80 01 01 be 06 04 04 0e010601"),
    (AARQ(), "60 0b a1 09 06 07 60857405080101"),
    (AARE(), "61 17 a1 09 06 07 60857405080101 a2 03 02 01 00 a3 05 a1 03 02 01 00"),
    (Ciphered(CipheredTag.GLO_GET_REQUEST, bytes.fromhex("3000000001aabb")), "c8 07 30 00000001 aabb"),
    (Ciphered(CipheredTag.DED_ACTION_RESPONSE, b"\x30\x00"), "d7 02 30 00"),
    (GeneralGloCiphering(b"OAM00001", bytes.fromhex("3000000001aabb")), "db 08 4f414d3030303031 07 30 00000001 aabb"),
    (GeneralDedCiphering(b"", b""), "dc 00 00"),
    (DataNotificationConfirm(0x40000001), "10 40000001"),
    (
        AccessRequest(
            0xC0000001,
            b"",
            (
                AccessGet(ACCESSED),
                AccessSet(ACCESSED),
                AccessAction(CosemMethodDescriptor(8, ObisCode(0, 0, 1, 0, 0), 1)),
                AccessGetWithSelection(ACCESSED, SelectiveAccess(2, b"\x00")),
                AccessSetWithSelection(ACCESSED, SelectiveAccess(1, b"\x00")),
            ),
            (b"\x00", b"\x11\x05", b"\x0f\x00", b"\x00", b"\x00"),
        ),
        (
            "d9 c0000001 00 05 01 0008 0000010000ff 02 02 0008 0000010000ff 02 03 0008 0000010000ff 01"
            "04 0008 0000010000ff 02 02 00 05 0008 0000010000ff 02 01 00 05 00 1105 0f00 00 00"
        ),
    ),
    (
        AccessResponse(
            1,
            b"",
            (AccessGet(ACCESSED),),
            (b"\x11\x07", b"\x00", b"\x00"),
            (
                AccessResult(1, DataAccessResult.SUCCESS),
                AccessResult(2, DataAccessResult.READ_WRITE_DENIED),
                AccessResult(3, ActionResult.OBJECT_UNDEFINED),
            ),
        ),
        "da 00000001 00 01 01 01 0008 0000010000ff 02 03 1107 00 00 03 01 00 02 03 03 04",
    ),
    (AccessResponse(1, b"", None, (), ()), "da 00000001 00 00 00 00"),
    (
        GeneralCiphering(GeneralHeader(b"\x00\x01", b"OAM00001", b"OAM00002"), None, bytes.fromhex("3100000001aabb")),
        "dd 02 0001 08 4f414d3030303031 08 4f414d3030303032 00 00 00 07 31 00000001 aabb",
    ),
    (
        GeneralCiphering(GeneralHeader(b"\x01", b"", b"", b"\x07", b"\x08"), IdentifiedKey(KeyId(0)), b""),
        "dd 01 01 00 00 01 07 01 08 01 00 00 00",
    ),
    (
        GeneralCiphering(GeneralHeader(b"", b"", b""), WrappedKey(KekId.MASTER_KEY, b"\xaa\xbb"), b""),
        "dd 00 00 00 00 00 01 01 00 02 aabb 00",
    ),
    (
        GeneralCiphering(GeneralHeader(b"", b"", b""), AgreedKey(b"\x02", b""), b""),
        "dd 00 00 00 00 00 01 02 01 02 00 00",
    ),
    (
        GeneralSigning(GeneralHeader(b"\x01", b"A", b"B"), b"\xc0", b"\xee\xff"),
        "df 01 01 01 41 01 42 00 00 01 c0 02 eeff",
    ),
    (ReadRequest((VariableName(0x2BC8), BlockNumberAccess(2))), "05 02 02 2bc8 05 0002"),
    (ReadRequest((ParameterizedAccess(0x2BC8, 1, PAIR),)), "05 01 04 2bc8 01 0202 120102 0901 61"),
    (
        ReadResponse((ONE, DENIED, DataBlock(True, 1, b"\x11"), 258)),
        "0c 04 00 1101 01 03 02 01 0001 01 11 03 0102",
    ),
    (WriteRequest((VariableName(8), WriteDataBlockAccess(True, 1)), (ONE,)), "06 02 02 0008 07 01 0001 01 1101"),
    (WriteResponse((None, DENIED, 258)), "0d 03 00 01 03 02 0102"),
    (GeneralBlockTransfer(0xC3, 258, 1, b"\xaa\xbb"), "e0 c3 0102 0001 02 aabb"),
    (
        InformationReportRequest(None, (VariableName(8), VariableName(16)), (ONE, PAIR)),
        "18 00 02 02 0008 02 0010 02 1101 0202 120102 0901 61",
    ),
    (
        InformationReportRequest(MIDNIGHT, (VariableName(8),), (ONE,)),
        f"18 01 0c {MIDNIGHT_HEX} 01 02 0008 01 1101",
    ),
    (UnconfirmedWriteRequest((DataBlock(False, 1, b""),), (ONE,)), "16 01 06 00 0001 00 01 1101"),
]


@pytest.mark.parametrize(("apdu", "raw"), CASES)
def test_both_ways(apdu, raw):
    raw = bytes.fromhex(raw)
    assert encode_apdu(apdu).hex() == raw.hex()
    assert decode_apdu(raw) == apdu
    assert raw[0] in APDU_TAGS


@pytest.mark.parametrize(("apdu", "raw"), CASES)
def test_every_octet_is_explained_once(apdu, raw):
    raw = bytes.fromhex(raw)
    explained, spans = explain_apdu(raw)
    assert explained == apdu
    check_tiling(spans, len(raw))
    json.dumps([plain(span.value) for span in spans])


@pytest.mark.parametrize(("apdu", "raw"), CASES)
def test_cut_anywhere_is_a_value_or_a_decode_error(apdu, raw):
    raw = bytes.fromhex(raw)
    for length in range(len(raw)):
        try:
            assert decode_apdu(raw[:length]) != apdu
        except DecodeError as error:
            assert error.offset <= length  # noqa: PT017  both outcomes are right


@pytest.mark.parametrize(("apdu", "raw"), CASES)
def test_shown_as_json_with_its_name(apdu, raw):
    shown = json.loads(json.dumps(plain(apdu)))
    assert shown["service"] == apdu_name(apdu)
    assert raw


def test_every_kind_has_a_case():
    assert {type(apdu) for apdu, _ in CASES} == set(APDU_TYPES)


def test_names():
    assert apdu_name(AARQ()) == "AARQ"
    assert apdu_name(GetRequestWithList(ID, TWO)) == "get-request-with-list"
    assert apdu_name(Ciphered(CipheredTag.GLO_GET_RESPONSE, b"")) == "glo-get-response"


def test_invoke_ids():
    assert invoke_id_and_priority(1) == 0xC1
    assert invoke_id_and_priority(17, confirmed=False, high_priority=False) == 1
    assert invoke_id(0xC7) == 7


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("", "a byte expected"),
        ("c0", "2 bytes expected"),
        ("c0 09 c1", "c009 begins no APDU that is known here"),
        ("e1", "e1 begins no APDU"),
        (f"c0 01 c1 {C} 00 00", "left over"),
        ("c4 01 c1 02", "2 is no choice of get-data-result"),
        ("0f 00000001 05 0102030405 00", "12 octets or none, not 5"),
        ("0f 00000001 0c ffff00ffffffffffff8000ff 00", "month is 0"),
        ("08 00 06 5f1f0401 000000 01f4 0007", "no conformance block"),
        ("d8 03 01", "3 is no state-error"),
    ],
)
def test_bad_octets(raw, reason):
    with pytest.raises(DecodeError, match=reason):
        decode_apdu(bytes.fromhex(raw))


def test_a_conformance_block_with_a_tag_of_one_octet_is_accepted():
    apdu = decode_apdu(bytes.fromhex("0800065f04000018200960fa00"))
    assert apdu == InitiateResponse(None, 6, Conformance(0x001820), 0x0960, 0xFA00)


def test_explaining_decodes_what_decoding_leaves_alone():
    raw = bytes.fromhex("c40 1c1 00 02".replace(" ", ""))
    assert decode_apdu(raw) == GetResponseNormal(ID, b"\x02")
    with pytest.raises(DecodeError) as caught:
        explain_apdu(raw)
    assert caught.value.path == ("GetResponseNormal", "result", "data")
    with pytest.raises(DecodeError):
        plain(decode_apdu(raw))
    with pytest.raises(DecodeError, match="left over"):
        explain_apdu(bytes.fromhex("c401c1000000"))


def test_what_is_no_apdu_is_not_encoded():
    with pytest.raises(LocalProtocolError, match="SelectiveAccess is no APDU"):
        encode_apdu(SelectiveAccess(1, ONE))
    with pytest.raises(LocalProtocolError, match=r"GetRequestNext\.block_number"):
        encode_apdu(GetRequestNext(ID, 2**32))


def test_keys_stay_out_of_representations():
    assert "kkkk" not in repr(InitiateRequest(b"k" * 16))
    assert "hunter2" not in repr(AARQ(calling_authentication_value=b"hunter2"))


def test_confirmed_service_error_in_words():
    assert ConfirmedServiceError(ConfirmedService.INITIATE_ERROR, ServiceErrorKind.INITIATE, 1).text == (
        "dlms-version-too-low"
    )
    assert ConfirmedServiceError(ConfirmedService.READ, ServiceErrorKind.OTHER, 9).text == "9"
