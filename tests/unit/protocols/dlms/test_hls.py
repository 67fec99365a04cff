import pytest

from openami.model.errors import SecurityError
from openami.protocols.dlms import hls
from openami.protocols.dlms.security import SecurityKeys

KEYS = SecurityKeys(bytes(range(16)), bytes(range(0xD0, 0xE0)))
TITLE = bytes.fromhex("4d4d4d0000000001")
CHALLENGE = bytes.fromhex("503677524a323146")


def test_an_answer_is_verified_and_gives_its_counter():
    answer = hls.response(KEYS, TITLE, 9, CHALLENGE)
    assert len(answer) == hls.RESPONSE_SIZE
    assert hls.verify(KEYS, TITLE, CHALLENGE, answer) == 9


def test_every_flipped_bit_is_refused():
    answer = hls.response(KEYS, TITLE, 9, CHALLENGE)
    for bit in range(len(answer) * 8):
        flipped = bytearray(answer)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SecurityError):
            hls.verify(KEYS, TITLE, CHALLENGE, bytes(flipped))


@pytest.mark.parametrize("answer", [b"", bytes(16), bytes(18)])
def test_other_sizes_are_refused(answer):
    with pytest.raises(SecurityError, match="bytes, not 17"):
        hls.verify(KEYS, TITLE, CHALLENGE, answer)


def test_answers_are_bound_to_challenge_and_title():
    answer = hls.response(KEYS, TITLE, 9, CHALLENGE)
    with pytest.raises(SecurityError):
        hls.verify(KEYS, TITLE, CHALLENGE[::-1], answer)
    with pytest.raises(SecurityError):
        hls.verify(KEYS, TITLE[::-1], CHALLENGE, answer)


@pytest.mark.parametrize("challenge", [None, b"", bytes(7), bytes(65)])
def test_challenges_have_8_to_64_bytes(challenge):
    with pytest.raises(SecurityError, match="must be 8 to 64"):
        hls.check_challenge(challenge, CHALLENGE)
    assert hls.check_challenge(bytes(64), CHALLENGE) == bytes(64)


def test_our_own_challenge_is_a_reflection():
    with pytest.raises(SecurityError, match="reflects"):
        hls.check_challenge(CHALLENGE, CHALLENGE)
