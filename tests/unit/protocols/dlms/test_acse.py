"""Association requests and responses with all their components. The octets are our own."""

from __future__ import annotations

import pytest

from openami.model.errors import DecodeError, LocalProtocolError
from openami.protocols.dlms.acse import (
    AARE,
    AARQ,
    RLRQ,
    AcseRequirements,
    AcseServiceProvider,
    ApplicationContextName,
    AssociationResult,
    MechanismName,
    recounted,
)
from openami.protocols.dlms.apdu import decode_apdu, encode_apdu, explain_apdu
from openami.protocols.dlms.initiate import InitiateRequest, InitiateResponse
from openami.protocols.dlms.plain import plain
from spans import check_tiling

FULL_AARQ = AARQ(
    protocol_version=b"\x07\x80",
    application_context_name=ApplicationContextName.LOGICAL_NAME_REFERENCING_WITH_CIPHERING,
    called_ap_title=b"OAM00002",
    called_ae_qualifier=b"q",
    called_ap_invocation_id=1,
    called_ae_invocation_id=-129,
    calling_ap_title=b"OAM00001",
    calling_ae_qualifier=b"certificate",
    calling_ap_invocation_id=127,
    calling_ae_invocation_id=128,
    sender_acse_requirements=AcseRequirements.AUTHENTICATION,
    mechanism_name=MechanismName.HIGH_LEVEL_SECURITY_GMAC,
    calling_authentication_value=b"challenge",
    implementation_information=b"info",
    user_information=encode_apdu(InitiateRequest()),
)
FULL_AARE = AARE(
    protocol_version=b"\x07\x80",
    application_context_name=b"\x2a\x03",
    result=AssociationResult.REJECTED_TRANSIENT,
    result_source_diagnostic=AcseServiceProvider.NO_COMMON_ACSE_VERSION,
    responding_ap_title=b"OAM00002",
    responding_ae_qualifier=b"",
    responding_ap_invocation_id=0,
    responding_ae_invocation_id=2**31,
    responder_acse_requirements=AcseRequirements(0),
    mechanism_name=b"\x2a\x04",
    responding_authentication_value=b"",
    implementation_information=b"",
    user_information=bytes.fromhex("280630000000010000")[:8],
)


@pytest.mark.parametrize("apdu", [FULL_AARQ, FULL_AARE])
def test_all_components_both_ways(apdu):
    raw = encode_apdu(apdu)
    assert decode_apdu(raw) == apdu
    explained, spans = explain_apdu(raw)
    assert explained == apdu
    check_tiling(spans, len(raw))


def test_octets_of_a_password_request():
    apdu = AARQ(
        sender_acse_requirements=AcseRequirements.AUTHENTICATION,
        mechanism_name=MechanismName.LOW_LEVEL_SECURITY,
        calling_authentication_value=b"12345678",
        user_information=b"\x01",
    )
    assert encode_apdu(apdu).hex() == (
        "6029" "a109060760857405080101" "8a020780" "8b0760857405080201" "ac0a80083132333435363738" "be03040101"
    )  # fmt: skip


def test_shown_without_what_is_absent_and_with_the_initiate_inside():
    assert plain(FULL_AARQ)["sender_acse_requirements"] == ["authentication"]
    assert plain(FULL_AARQ)["user_information"]["service"] == "initiate-request"
    assert plain(FULL_AARE)["application_context_name"] == "2a03"
    assert plain(FULL_AARE)["user_information"]["service"] == "glo-initiate-response"
    assert set(plain(AARQ())) == {"service", "application_context_name"}


@pytest.mark.parametrize("information", [b"", b"\xe1\x01", b"\x01"])
def test_user_information_that_is_no_initiate_stays_octets(information):
    apdu = RLRQ(None, information)
    raw = encode_apdu(apdu)
    assert decode_apdu(raw) == apdu
    if information == b"\x01":
        with pytest.raises(DecodeError, match="InitiateRequest"):
            explain_apdu(raw)
        return
    assert plain(apdu)["user_information"] == information.hex()
    check_tiling(explain_apdu(raw)[1], len(raw))


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("60 02 a101", "1 bytes expected, 0 left"),
        ("60 0d a109060760857405080101 a100", "application_context_name stands twice"),
        ("60 00", "AARQ without application_context_name"),
        ("60 04 b002 0000", "0xb0 is no component of AARQ"),
        ("61 0b a109060760857405080101", "AARE without result and result_source_diagnostic"),
        ("62 03 80 01 02", "2 is no release reason"),
        ("62 02 80 00", "integer of 0 bytes"),
        ("62 0b 80 09 000000000000000000", "integer of 9 bytes"),
        ("60 0f a109060760857405080101 8a 02 08 80", "bit string with 8 unused bits"),
        ("60 0e a109060760857405080101 8a 01 07", "2 bytes expected"),
        ("60 0f a109060760857405080101 ac 02 81 00", "BER tag 0x80 expected, not 0x81"),
        ("61 19 a109060760857405080101 a203020100 a305a303020100 0000", "0xa3 is no source of a diagnostic"),
        ("60 0d a109060760857405080101", "13 bytes expected, 11 left"),
    ],
)
def test_bad_octets(raw, reason):
    with pytest.raises(DecodeError, match=reason):
        decode_apdu(bytes.fromhex(raw))


def test_what_does_not_fit_is_our_fault():
    with pytest.raises(LocalProtocolError, match=r"AARE\.result_source_diagnostic: 7 is no diagnostic"):
        encode_apdu(AARE(result_source_diagnostic=7))
    with pytest.raises(LocalProtocolError, match=r"AARQ\.calling_ap_invocation_id"):
        encode_apdu(AARQ(calling_ap_invocation_id="1"))


class TestLengthsOneShort:
    """A Landis+Gyr E650 counts the two octets of the conformance block's tag as one."""

    GOOD = encode_apdu(AARE(user_information=encode_apdu(InitiateResponse(vaa_name=0xFA00))))

    def short(self) -> bytes:
        raw = bytearray(self.GOOD)
        at = raw.rindex(b"\xbe")
        for length in (1, at + 1, at + 3):
            raw[length] -= 1
        return bytes(raw)

    def test_read_as_meant(self):
        assert recounted(self.short()) == self.GOOD
        assert decode_apdu(self.short()) == decode_apdu(self.GOOD)
        check_tiling(explain_apdu(self.short())[1], len(self.GOOD))

    @pytest.mark.parametrize("raw", [GOOD, GOOD[:-1], GOOD + b"\x00", b"", b"\x61\x00\x00", b"\x61\x80" + bytes(129)])
    def test_nothing_else_is_touched(self, raw):
        assert recounted(raw) is raw

    def test_all_three_lengths_have_to_be_short(self):
        at = self.GOOD.rindex(b"\xbe")
        for length in (1, at + 1, at + 3):
            raw = bytearray(self.short())
            raw[length] += 1
            assert recounted(bytes(raw)) == raw

    def test_without_user_information_nothing_is_mended(self):
        raw = bytes.fromhex("6103" "80020780" "00")[:6]  # fmt: skip
        assert recounted(raw) is raw
