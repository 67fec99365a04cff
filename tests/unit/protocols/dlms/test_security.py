import pytest

from openami.model.errors import SecurityError, SettingError
from openami.protocols.dlms.security import (
    Secret,
    SecurityControl,
    SecurityKeys,
    SecuritySuite,
    protect,
    read_header,
    unprotect,
)

KEYS = SecurityKeys(bytes(range(16)), bytes(range(0xD0, 0xE0)), bytes(range(0x20, 0x30)), bytes(range(0x40, 0x50)))
TITLE = bytes.fromhex("4d4d4d0000bc614e")
PLAIN = bytes.fromhex("c0010000080000010000ff0200")
FORMS = (0x10, 0x20, 0x30)


@pytest.mark.parametrize("control", FORMS)
@pytest.mark.parametrize("dedicated", [False, True])
def test_what_was_protected_comes_back(control, dedicated):
    content = protect(KEYS, TITLE, 7, control, PLAIN, dedicated=dedicated)
    assert read_header(content) == (control, 7)
    assert unprotect(KEYS, TITLE, content, required=control, dedicated=dedicated) == PLAIN


@pytest.mark.parametrize("control", FORMS)
def test_sizes_follow_the_control_byte(control):
    tag = 12 if control & 0x10 else 0
    assert len(protect(KEYS, TITLE, 0, control, PLAIN)) == 5 + len(PLAIN) + tag
    assert unprotect(KEYS, TITLE, protect(KEYS, TITLE, 0, control, b""), required=control) == b""


@pytest.mark.parametrize("control", [0x10, 0x30])
def test_every_flipped_bit_is_refused(control):
    content = protect(KEYS, TITLE, 0x01234567, control, PLAIN)
    for bit in range(len(content) * 8):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SecurityError):
            unprotect(KEYS, TITLE, bytes(flipped), required=control)


@pytest.mark.parametrize("control", [0x10, 0x30])
def test_every_cut_is_refused(control):
    content = protect(KEYS, TITLE, 1, control, PLAIN)
    for size in range(len(content)):
        with pytest.raises(SecurityError):
            unprotect(KEYS, TITLE, content[:size], required=control)


def test_another_title_or_key_is_refused():
    content = protect(KEYS, TITLE, 1, 0x30, PLAIN)
    with pytest.raises(SecurityError, match="tag does not match"):
        unprotect(KEYS, b"MMM\0\0\0\0\0", content)
    for other in (SecurityKeys(bytes(16), KEYS.authentication_key), SecurityKeys(bytes(range(16)), bytes(16))):
        with pytest.raises(SecurityError, match="tag does not match"):
            unprotect(other, TITLE, content)


def test_the_broadcast_key_is_not_taken_for_the_unicast_key():
    content = protect(KEYS, TITLE, 1, 0x70, PLAIN)
    with pytest.raises(SecurityError, match="broadcast key"):
        unprotect(KEYS, TITLE, content)
    assert unprotect(KEYS, TITLE, content, required=SecurityControl.BROADCAST | 0x30) == PLAIN


@pytest.mark.parametrize(
    ("control", "reason"),
    [(0x00, "no protection"), (0xB0, "compression"), (0x31, "suite 1"), (0x3F, "suite 15")],
)
def test_control_bytes_that_are_not_spoken(control, reason):
    with pytest.raises(SecurityError, match=reason):
        protect(KEYS, TITLE, 1, control, PLAIN)
    with pytest.raises(SecurityError, match=reason):
        unprotect(KEYS, TITLE, bytes((control,)) + bytes(30), required=0)


def test_keys_that_are_not_set_are_named():
    few = SecurityKeys(bytes(16), bytes(16))
    with pytest.raises(SecurityError, match="dedicated key"):
        protect(few, TITLE, 1, 0x30, PLAIN, dedicated=True)
    with pytest.raises(SecurityError, match="broadcast encryption key"):
        protect(few, TITLE, 1, 0x70, PLAIN)


@pytest.mark.parametrize(("suite", "size"), [(0, 16), (1, 16), (2, 32)])
def test_key_sizes_follow_the_suite(suite, size):
    keys = SecurityKeys(bytes(size), bytes(size), suite=SecuritySuite(suite))
    assert unprotect(keys, TITLE, protect(keys, TITLE, 1, 0x30 | suite, PLAIN)) == PLAIN
    with pytest.raises(SettingError, match="authentication_key has 15 bytes"):
        SecurityKeys(bytes(size), bytes(15), suite=SecuritySuite(suite))


def test_secrets_do_not_show_themselves():
    secret = Secret(b"password")
    assert f"{secret} {secret!r} {[secret]}" == "<8 bytes> <8 bytes> [<8 bytes>]"
    assert secret.matches(b"password")
    assert not secret.matches(b"Password")
    assert secret == Secret(b"password")
    assert secret != b"password"
    with pytest.raises(TypeError):
        hash(secret)
    assert repr(KEYS) == "SecurityKeys(suite=<SecuritySuite.SUITE_0: 0>)"
