"""Data, dates and APDUs of DLMS. The messages are our own or published examples."""

from __future__ import annotations

from fuzz_targets import fuzz_target
from openami.protocols.dlms.acse import (
    AARE,
    AARQ,
    AcseRequirements,
    AcseServiceUser,
    ApplicationContextName,
    MechanismName,
)
from openami.protocols.dlms.apdu import decode_apdu, encode_apdu, explain_apdu
from openami.protocols.dlms.data import decode_data, encode_data, skip_data
from openami.protocols.dlms.date_time import CosemDateTime
from openami.protocols.dlms.descriptor import SelectiveAccess
from openami.protocols.dlms.initiate import InitiateRequest, InitiateResponse
from openami.protocols.dlms.plain import plain
from openami.protocols.dlms.selective_access import selection_of
from openami.protocols.wire.cursor import Cursor

ROW = bytes.fromhex("0204090c07ea0101040c000000ffc4001100060001e2400600000315")
RANGE = bytes.fromhex(
    "0204020412000809060000010000ff0f02120000090c07e20601ff000300ffff8880090c07e50106ff000300ffffc4000100"
)
DATA = [
    b"\x01\x04" + ROW * 4,
    b"\x01\x02" + ROW + bytes.fromhex("02020fff1623"),
    RANGE,
    bytes.fromhex("040aa5c0"),
    bytes.fromhex("0a03616263"),
    bytes.fromhex("0c04c3a4c3b6"),
    bytes.fromhex("02051202d0120ca81112111e0fc0"),
    bytes.fromhex("131208000100020003ffff"),
    bytes.fromhex("13020209110802aabb0102ccdd02"),
    bytes.fromhex("1301000302020f160c000102030405060708090a0b"),
    bytes.fromhex("1907e40101ff00030000000000"),
    bytes.fromhex("02051a07e40101ff1b0c0000001740000000184000000000000000ff"),
    bytes.fromhex("02010201020102010201020100"),
]
APDUS = [
    encode_apdu(
        AARQ(
            application_context_name=ApplicationContextName.LOGICAL_NAME_REFERENCING_WITH_CIPHERING,
            calling_ap_title=b"OAM\x00\x00\x00\x00\x01",
            sender_acse_requirements=AcseRequirements.AUTHENTICATION,
            mechanism_name=MechanismName.HIGH_LEVEL_SECURITY_GMAC,
            calling_authentication_value=bytes(range(16)),
            user_information=encode_apdu(InitiateRequest(dedicated_key=bytes(16), response_allowed=False)),
        )
    ),
    encode_apdu(
        AARE(
            result_source_diagnostic=AcseServiceUser.AUTHENTICATION_REQUIRED,
            responding_ap_title=b"OAM\x00\x00\x00\x00\x02",
            responding_ap_invocation_id=-129,
            responder_acse_requirements=AcseRequirements.AUTHENTICATION,
            mechanism_name=b"\x2a\x03",
            responding_authentication_value=bytes(range(16)),
            user_information=encode_apdu(InitiateResponse()),
        )
    ),
]
APDUS += [
    bytes.fromhex(text)
    for text in (
        "601da109060760857405080101be10040e01000000065f1f0400001e1dffff",
        "611fa109060760857405080101a203020101a305a103020101be0604040e010601",
        "6203800100",
        "6316800100be11040f080100065f1f0400001e1d04c80007",
        "0501022bc8",
        "0601022bc8010600000007",
        "c001c1000100002b0100ff0200",
        "c001c100070100630100ff020101" + RANGE.hex(),
        "c002c100000001",
        "c003c10200010000600100ff020000080000010000ff0200",
        "c101c100030100010800ff02000600003039",
        "c102c100010000600100ff02000000000001050903010203",
        "c104c10100030100010800ff0200010600003039",
        "c301c10046000060030aff01010f00",
        "c401c100" + ROW.hex(),
        "c402c10100000001000409020102",
        "c403c102000600000001010b",
        "c501c100",
        "c701c10001000911101a9190bc0a587217bcd2bcd4fddb7143",
        "c703c10200010011010c00",
        "d8010600000010",
        "0e010601",
        "0f40000000090c07e3020401173416ff800000020106000016dc",
        "0f000000000c07e1081003100005ff800000020106000016dc",
        "c2010c07e1081003100005ff80000000010000600001ff021105",
        "c81e1001234567c0010000080000010000ff020006725d910f9221d263877516",
        "db084d4d4d0000bc614e1e1001234567c0010000080000010000ff020006725d910f9221d263877516",
    )
]


@fuzz_target("dlms-data", DATA)
def data(octets: bytes) -> None:
    """What decodes can be walked over, and encodes to what decodes to the same."""
    value = decode_data(octets)
    assert skip_data(Cursor(octets)) == octets
    again = encode_data(value)
    assert encode_data(decode_data(again)) == again


@fuzz_target("dlms-apdu", APDUS)
def apdu(octets: bytes) -> None:
    """What decodes encodes to what decodes to the same."""
    value = decode_apdu(octets)
    again = encode_apdu(value)
    assert encode_apdu(decode_apdu(again)) == again


@fuzz_target("dlms-explain", APDUS)
def explain(octets: bytes) -> None:
    """What explains itself also decodes without, to the same, and can be shown."""
    value, _spans = explain_apdu(octets)
    assert encode_apdu(value) == encode_apdu(decode_apdu(octets))
    plain(value)


@fuzz_target("dlms-date-time", [bytes.fromhex("07e40101ff00030000000000"), bytes.fromhex("fffffefdffffffffff8000ff")])
def date_time(octets: bytes) -> None:
    """What decodes encodes to the same octets, and never names an instant that its text contradicts."""
    value = CosemDateTime.from_bytes(octets)
    assert bytes(value) == octets
    assert (value.to_utc() is None) or ("*" not in str(value)[:19])


@fuzz_target("dlms-selective-access", [b"\x01" + RANGE, bytes.fromhex("02020406000000010600000000120001120000")])
def selective_access(octets: bytes) -> None:
    """What selects can be said again."""
    selection = selection_of(SelectiveAccess(octets[0] if octets else 0, octets[1:]))
    assert type(selection).from_data(selection.to_data()) == selection
