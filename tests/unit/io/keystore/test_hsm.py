"""Two tokens with two PINs: the authority signs in one, the guard agrees in the other, and no key leaves."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import seal_keys as keys
from meter_bench import seeded
from openami.io.disk import SystemDisk
from openami.io.keystore.file_keystore import KeystoreLocked
from openami.io.keystore.hsm import Hsm, TokenAddress, parse_token
from openami.io.keystore.meter_keys import MeterKeys, NoKeys
from openami.io.keystore.wrapped_keystore import SoftwareWrapping, WrappedKeystore
from openami.model.errors import SecurityError, SettingError, StoreError
from openami.protocols.dlms.asymmetric import verify_signature
from openami.protocols.dlms.security import SecuritySuite
from openami.protocols.seal.closing import GuardSeal, seal_command, sign_command
from openami.protocols.seal.keys import Authority
from openami.protocols.seal.opening import CommandRefused, MeterSeal, open_command
from openami.protocols.seal.roles import Role
from openami.simulation.disk import FaultDisk
from soft_hsm import soft_hsm

RECORD = MeterKeys(bytes(range(16)), bytes(range(16, 32)), None, b"password")
TITLE = b"OAM\x10\x00\x00\x00\x01"


@pytest.fixture
def token():
    """A fresh token: its URI and its address."""
    return soft_hsm().token()


def opened(uri):
    return Hsm(parse_token(uri, Path("/")), random=seeded())


def test_an_envelope_from_two_tokens_opens_in_the_meter_and_from_one_does_not():
    first, second = (opened(soft_hsm().token()) for _ in range(2))
    signing, agreeing = first.make_key("network operator"), second.make_key("guard")
    signer, agreement = first.signer("network operator"), second.agreement("guard")
    trusted = {keys.AUTHORITY: Authority(keys.AUTHORITY, Role.NETWORK_OPERATOR, signing)}
    meter = MeterSeal(keys.METER, keys.METER_AGREEMENT, keys.AUTHENTICATION_KEY, keys.GUARD, agreeing, trusted)
    layer = sign_command(keys.COMMAND, keys.AUTHORITY, 1, signer)
    envelope = seal_command(layer, GuardSeal(keys.GUARD, agreement), keys.RECIPIENT, 1)
    assert open_command(envelope, meter, keys.MOMENT, keys.never).command == keys.COMMAND
    for stranger in (
        seal_command(layer, GuardSeal(keys.GUARD, keys.STRANGER_AGREEMENT), keys.RECIPIENT, 1),
        seal_command(
            sign_command(keys.COMMAND, keys.AUTHORITY, 1, keys.STRANGER),
            GuardSeal(keys.GUARD, agreement),
            keys.RECIPIENT,
            1,
        ),
    ):
        with pytest.raises(CommandRefused):
            open_command(stranger, meter, keys.MOMENT, keys.never)
    with pytest.raises(StoreError, match="no key 'guard'"):
        first.agreement("guard")


def test_both_sides_of_an_agreement_get_the_same(token):
    hsm = opened(token)
    public = hsm.make_key("guard")
    assert hsm.agreement("guard").shared_secret(keys.METER_AGREEMENT.public_key) == (
        keys.METER_AGREEMENT.shared_secret(public)
    )


def test_a_signature_is_over_these_octets(token):
    hsm = opened(token)
    public = hsm.make_key("one")
    signature = hsm.signer("one").sign(b"octets")
    verify_signature(public, SecuritySuite.SUITE_1, b"octets", signature)
    with pytest.raises(SecurityError):
        verify_signature(public, SecuritySuite.SUITE_1, b"others", signature)


def test_a_private_key_cannot_be_read(token):
    from pkcs11 import Attribute
    from pkcs11.exceptions import AttributeSensitive

    hsm = opened(token)
    hsm.make_key("one")
    hsm.make_wrapping_key("wrap")
    for key in (hsm.signer("one")._key, hsm.wrapping("wrap")._key):
        assert not key[Attribute.EXTRACTABLE]
        with pytest.raises(AttributeSensitive):
            key[Attribute.VALUE]


def test_a_wrong_pin_opens_nothing_and_is_not_told(token):
    address = parse_token(token, Path("/"))
    wrong = address.pin_file.with_suffix(".wrong")
    wrong.write_text("something-else\n")
    with pytest.raises(KeystoreLocked) as caught:
        Hsm(TokenAddress(address.token, address.module, wrong), random=seeded())
    assert "something-else" not in str(caught.value)


def test_a_name_is_used_once(token):
    hsm = opened(token)
    hsm.make_key("one")
    hsm.make_wrapping_key("wrap")
    with pytest.raises(SettingError, match="already"):
        hsm.make_key("one")
    with pytest.raises(SettingError, match="already"):
        hsm.make_wrapping_key("wrap")


def test_meter_keys_wrapped_by_a_token_outlive_the_process(token, tmp_path):
    hsm = opened(token)
    hsm.make_wrapping_key("meters")
    path = tmp_path / "keys"
    WrappedKeystore(path, hsm.wrapping("meters"), disk=SystemDisk()).put(TITLE, RECORD)
    hsm.close()
    again = WrappedKeystore(path, opened(token).wrapping("meters"), disk=SystemDisk())
    assert again.meter_keys(TITLE) == RECORD
    assert RECORD.authentication_key not in path.read_bytes()
    other = opened(soft_hsm().token())
    other.make_wrapping_key("meters")
    with pytest.raises(KeystoreLocked):
        WrappedKeystore(path, other.wrapping("meters"), disk=SystemDisk()).meter_keys(TITLE)


def test_keys_wrapped_for_one_meter_are_no_other_meters():
    disk, wrapping = FaultDisk(), SoftwareWrapping(bytes(32), random=seeded())
    store = WrappedKeystore(Path("/k/keys"), wrapping, disk=disk)
    store.put_many({TITLE: RECORD})
    store._wrapped[bytes(8)] = store._wrapped[TITLE]
    with pytest.raises(KeystoreLocked):
        store.meter_keys(bytes(8))
    del store._wrapped[bytes(8)]
    with pytest.raises(NoKeys):
        store.meter_keys(b"12345678")
    with pytest.raises(NoKeys):
        store.remove(b"12345678")
    with pytest.raises(SettingError):
        store.put(b"123", RECORD)
    assert "1 meters" in repr(WrappedKeystore(Path("/k/keys"), wrapping, disk=disk))
    store.remove(TITLE)
    assert WrappedKeystore(Path("/k/keys"), wrapping, disk=disk).system_titles() == []


def test_a_full_disk_changes_nothing_and_damage_is_told():
    disk = FaultDisk()
    store = WrappedKeystore(Path("/k/keys"), SoftwareWrapping(bytes(32), random=seeded()), disk=disk)
    disk.room = 0
    with pytest.raises(StoreError, match="nothing was changed"):
        store.put(TITLE, RECORD)
    assert store.system_titles() == []
    for raw, words in ((b"something", "no keystore"), (b"OPENAMI-WRAPPED-1\n\xc1", "damaged")):
        other = FaultDisk()
        other.make_folder(Path("/k"))
        other.append(Path("/k/keys")).write(raw)
        with pytest.raises(StoreError, match=words):
            WrappedKeystore(Path("/k/keys"), SoftwareWrapping(bytes(32), random=seeded()), disk=other)


@pytest.mark.parametrize(
    "uri",
    [
        "token=a",
        "pkcs11:token=a",
        "pkcs11:token=a?module-path=m",
        "pkcs11:token=a;serial=1?module-path=m&pin-source=p",
        "pkcs11:token=a?module-path=m&pin-source=p&pin-value=1234",
    ],
)
def test_uris_that_name_no_token(uri):
    with pytest.raises(SettingError, match="names no token"):
        parse_token(uri, Path())


def test_a_uri_is_relative_to_its_installation():
    uri = "pkcs11:token=the%20guard?module-path=/m.so&pin-source=file:pins/b"
    assert parse_token(uri, Path("/etc")) == TokenAddress("the guard", Path("/m.so"), Path("/etc/pins/b"))


def test_what_is_not_there_is_named(token, tmp_path):
    address = parse_token(token, Path("/"))
    with pytest.raises(SettingError, match="no token 'nobody'"):
        Hsm(TokenAddress("nobody", address.module, address.pin_file), random=seeded())
    with pytest.raises(SettingError, match="PIN file"):
        Hsm(TokenAddress(address.token, address.module, tmp_path / "none"), random=seeded())
    (tmp_path / "empty").touch()
    with pytest.raises(SettingError, match="first line"):
        Hsm(TokenAddress(address.token, address.module, tmp_path / "empty"), random=seeded())


def test_a_copied_token_without_its_pin_is_useless(tmp_path):
    """A096: the folder of the token is in the thief's hands, the PIN is not."""
    hsm = soft_hsm()
    uri = hsm.token()
    opened(uri).make_key("one")
    secret = parse_token(uri, Path("/")).pin_file.read_bytes().strip()
    shutil.copytree(hsm.folder / "tokens", tmp_path / "tokens")
    files = [path for path in (tmp_path / "tokens").rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if secret in path.read_bytes()]
