"""General ciphering and signing against a second implementation, both ways, and published numbers of their parts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

import dlms_second as second
from dlms_curves import SUITES, curves, key
from meter_bench import CLIENT_TITLE, CONFIG, METER_TITLE, START, seeded
from openami.field.meter import codes
from openami.field.meter.curve import SteadyCurve
from openami.field.meter.electricity import ElectricityMeter
from openami.protocols.dlms.apdu import decode_apdu, encode_apdu
from openami.protocols.dlms.asymmetric import private_key, verify_signature
from openami.protocols.dlms.cosem.security_setup import KeyAgreementData, KeyId, SecuritySetup1
from openami.protocols.dlms.counters import ReceiveWindow, SendCounter
from openami.protocols.dlms.general import GeneralHeader, GeneralSigning
from openami.protocols.dlms.general_ciphering import GeneralKeys, KeyChoice, protect_general, unprotect_general
from openami.protocols.dlms.key_agreement import ephemeral_key, shared_secret, unwrap_key, wrap_key
from openami.protocols.dlms.key_exchange import key_of
from openami.protocols.dlms.protection_form import Form
from openami.protocols.dlms.secure_channel import SecureChannel
from openami.protocols.dlms.security import SecurityKeys, SecuritySuite
from procedure_pair import MeterPair

U, V = b"OAM\x00\x00\x00\x00\x01", b"OAM\x10\x00\x00\x00\x2a"
TRANSACTION = bytes.fromhex("0102030405060708")
PLAIN = bytes.fromhex("c001c100080000010000ff0200")
META = second.header(TRANSACTION, U, V)
HEADER = GeneralHeader(TRANSACTION, U, V)


def keys_of(suite):
    size = suite.key_size
    keys = [bytes(range(start, start + size)) for start in (0, 0x40, 0x80)]
    return SecurityKeys(keys[0], keys[1], suite=suite, master_key=keys[2])


def content_of(raw: bytes) -> bytes:
    return decode_apdu(raw).ciphered_content


def ours(suite, choice, asymmetric):
    given = GeneralKeys(keys_of(suite), asymmetric, lambda size: bytes(range(100, 100 + size)))
    return encode_apdu(protect_general(given, choice, HEADER, 7, 0x30 | suite, PLAIN))


def head(raw, *parts):
    """`raw` begins with these parts; the rest."""
    start = b"\xdd" + META + b"".join(parts)
    assert raw.startswith(start)
    return raw[len(start) :]


def opened(suite, asymmetric, raw):
    return unprotect_general(GeneralKeys(keys_of(suite), asymmetric), decode_apdu(raw), required=0x30)


@pytest.mark.parametrize("suite", list(SecuritySuite))
def test_identified_key(suite):
    keys = keys_of(suite)
    expected = second.gcm_seal(
        keys.global_unicast_encryption_key, U, 7, 0x30 | suite, keys.authentication_key, META, PLAIN
    )
    raw = b"\xdd" + META + b"\x01\x00\x00" + second.string(expected)
    assert ours(suite, KeyChoice.IDENTIFIED, None) == raw
    assert opened(suite, None, raw) == PLAIN


@pytest.mark.parametrize("suite", list(SecuritySuite))
def test_wrapped_key(suite):
    keys, fresh = keys_of(suite), bytes(range(100, 100 + suite.key_size))
    wrapped = second.wrap(keys.master_key, fresh)
    sealed = second.gcm_seal(fresh, U, 7, 0x30 | suite, keys.authentication_key, META, PLAIN)
    raw = b"\xdd" + META + b"\x01\x01\x00" + second.string(wrapped) + second.string(sealed)
    assert ours(suite, KeyChoice.WRAPPED, None) == raw
    assert opened(suite, None, raw) == PLAIN


@pytest.mark.parametrize("suite", SUITES)
def test_static_agreed_key(suite):
    client, server = curves(suite)
    z = second.exchange(client.agreement, server.agreement.public_key())
    keys = keys_of(suite)
    agreed = second.derived(suite, z, U, TRANSACTION, V)
    sealed = second.gcm_seal(agreed, U, 7, 0x30 | suite, keys.authentication_key, META, PLAIN)
    raw = b"\xdd" + META + b"\x01\x02\x01\x02\x00" + second.string(sealed)
    assert ours(suite, KeyChoice.STATIC, client) == raw
    assert opened(suite, server, raw) == PLAIN


@pytest.mark.parametrize("suite", SUITES)
def test_one_pass_agreed_key_of_the_second_implementation(suite):
    client, server = curves(suite)
    ephemeral = key(42, suite)
    point = second.point(ephemeral.public_key())
    agreed = second.derived(suite, second.exchange(ephemeral, server.agreement.public_key()), U, b"", V)
    keys = keys_of(suite)
    sealed = second.gcm_seal(agreed, U, 0, 0x30 | suite, keys.authentication_key, META, PLAIN)
    data = point + second.signature(client.signing, suite, point)
    raw = b"\xdd" + META + b"\x01\x02\x01\x01" + second.string(data) + second.string(sealed)
    assert opened(suite, server, raw) == PLAIN


@pytest.mark.parametrize("suite", SUITES)
def test_one_pass_agreed_key_opened_by_the_second_implementation(suite):
    client, server = curves(suite)
    raw = ours(suite, KeyChoice.ONE_PASS, client)
    apdu = decode_apdu(raw)
    size = 2 * second.COORDINATE[suite]
    data = apdu.key_info.key_ciphered_data
    head(raw, b"\x01\x02\x01\x01", second.string(data), second.string(apdu.ciphered_content))
    second.check_signature(client.signing.public_key(), suite, data[:size], data[size:])
    z = second.exchange(server.agreement, second.public(data[:size], suite))
    agreed = second.derived(suite, z, U, b"", V)
    keys = keys_of(suite)
    assert second.gcm_open(agreed, U, apdu.ciphered_content, keys.authentication_key, META) == PLAIN


@pytest.mark.parametrize("suite", SUITES)
def test_signature_inside_ciphering(suite):
    client, server = curves(suite)
    keys = keys_of(suite)
    signed = second.signature(client.signing, suite, META + second.string(PLAIN))
    inner = b"\xdf" + META + second.string(PLAIN) + second.string(signed)
    sealed = second.gcm_seal(
        keys.global_unicast_encryption_key, U, 3, 0x30 | suite, keys.authentication_key, b"", inner
    )
    channel = SecureChannel(
        keys,
        V,
        U,
        SendCounter("x"),
        ReceiveWindow(),
        control=0x30,
        required=0x30,
        asymmetric=server,
        signature_required=True,
    )
    assert channel.open(decode_apdu(b"\xdb" + second.string(U) + second.string(sealed))) == PLAIN


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("form", [Form.GLOBAL, Form.GENERAL_GLOBAL, Form.GENERAL_STATIC])
def test_our_signature_is_verified_by_the_second_implementation(suite, form):
    client, server = curves(suite)
    keys = keys_of(suite)
    sending = SendCounter("x")
    sending.reserved(sending.reservation())
    common = {"control": 0x30, "required": 0x30, "sign": True, "form": form}
    channel = SecureChannel(keys, U, V, sending, ReceiveWindow(), asymmetric=client, **common)
    theirs = SecureChannel(keys, V, U, sending, ReceiveWindow(), asymmetric=server, **common)
    raw = channel.seal(PLAIN)
    assert len(raw) - len(PLAIN) <= channel.overhead()
    assert theirs.open(decode_apdu(raw)) == PLAIN
    if form is not Form.GENERAL_STATIC:
        content = decode_apdu(raw).content
        inner = second.gcm_open(keys.global_unicast_encryption_key, U, content, keys.authentication_key, b"")
        signing = decode_apdu(inner)
        assert isinstance(signing, GeneralSigning)
        meta = second.header(bytes(8), U, V)
        second.check_signature(client.signing.public_key(), suite, meta + second.string(PLAIN), signing.signature)


def test_signatures_of_rfc_6979():
    """Appendix A.2.5 and A.2.6 of the RFC: message "sample", SHA-256 with P-256 and SHA-384 with P-384."""
    from openami.protocols.dlms.asymmetric import AsymmetricKeys

    cases = (
        (
            SUITES[0],
            "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721",
            (
                "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
                "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"
            ),
        ),
        (
            SUITES[1],
            "6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D896D5724E4C70A825F872C9EA60D2EDF5",
            (
                "94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C81A648152E44ACF96E36DD1E80FABE46"
                "99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94FA329C145786E679E7B82C71A38628AC8"
            ),
        ),
    )
    for suite, secret, expected in cases:
        private = ec.derive_private_key(int(secret, 16), second.CURVE[suite]())
        signed = AsymmetricKeys(suite, private).sign(b"sample")
        assert signed.hex().upper() == expected
        verify_signature(private.public_key(), suite, b"sample", signed)


def test_key_wrap_of_rfc_3394():
    """Sections 4.1 and 4.6 of the RFC."""
    kek = bytes.fromhex("000102030405060708090A0B0C0D0E0F")
    wrapped = bytes.fromhex("1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5")
    assert wrap_key(kek, bytes.fromhex("00112233445566778899AABBCCDDEEFF")) == wrapped
    assert unwrap_key(kek, wrapped).hex() == "00112233445566778899aabbccddeeff"


@pytest.mark.parametrize("suite", SUITES)
def test_the_shared_secret_is_the_same_on_both_sides(suite):
    one, other = key(5, suite), key(6, suite)
    assert shared_secret(one, other.public_key()) == second.exchange(other, one.public_key())
    assert private_key(b"\xff" * (second.COORDINATE[suite] + 8), suite).private_numbers().private_value > 0


@pytest.mark.parametrize("wrapping", [False, True])
@pytest.mark.parametrize("suite", SUITES)
def test_keys_of_two_ephemeral_keys_are_those_of_a_second_implementation(suite, wrapping):
    ours, theirs = key(11, suite), key(12, suite)
    z = second.exchange(theirs, second.public(second.point(ours.public_key()), suite))
    assert ephemeral_key(suite, shared_secret(ours, theirs.public_key()), U, V, wrapping=wrapping) == second.ephemeral(
        suite, z, U, V, wrapping=wrapping
    )
    other = second.ephemeral(suite, z, U, V, wrapping=not wrapping)
    assert ephemeral_key(suite, z, U, V, wrapping=wrapping) != other


@pytest.mark.parametrize("suite", SUITES)
def test_a_client_written_a_second_time_agrees_with_our_meter(suite):
    """It signs key_id and point itself, and finds the key that the meter has afterwards."""
    size = suite.key_size
    keys = SecurityKeys(bytes(range(size)), bytes(range(64, 64 + size)), suite=suite)
    client, server = curves(suite)
    config = replace(CONFIG, keys=keys, asymmetric=server)
    meter = ElectricityMeter(config, SteadyCurve(1), START, None, seeded(3))
    pair, own = MeterPair(meter, keys=keys), ec.derive_private_key(4711, second.CURVE[suite]())
    for key_id in KeyId:
        mine = second.point(own.public_key())
        data = mine + second.signature(client.signing, suite, bytes([key_id]) + mine)
        result, answer = pair.invoke(
            SecuritySetup1.key_agreement, codes.SECURITY_SETUP, (KeyAgreementData(key_id, data),)
        )
        assert result == 0
        number, theirs = (one.value for one in answer.value[0].value)
        half = 2 * second.COORDINATE[suite]
        second.check_signature(client.peer_signing, suite, bytes([number]) + theirs[:half], theirs[half:])
        z = second.exchange(own, second.public(theirs[:half], suite))
        expected = second.ephemeral(suite, z, CLIENT_TITLE, METER_TITLE, wrapping=key_id == 3)
        assert key_of(meter.security.shared.record.keys, key_id) == expected
