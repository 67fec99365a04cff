"""Published and computed ciphered APDUs and HLS 5 answers, each also against streaming GCM."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import GCM

from openami.protocols.dlms import hls
from openami.protocols.dlms.security import SecurityKeys, SecuritySuite, protect, unprotect
from shared_vectors import vectors

CIPHERED = [pytest.param(entry, id=entry["name"]) for entry in vectors("dlms", "ciphered")]
HLS = [pytest.param(entry, id=entry["name"]) for entry in vectors("dlms", "hls-gmac")]


def keys_of(entry) -> SecurityKeys:
    keys = entry["keys"]
    return SecurityKeys(bytes.fromhex(keys["ek"]), bytes.fromhex(keys["ak"]), suite=SecuritySuite(keys.get("suite", 0)))


@pytest.mark.parametrize("entry", CIPHERED)
def test_ciphered_content_both_ways(entry):
    keys, title = keys_of(entry), bytes.fromhex(entry["keys"]["system_title"])
    content, plain = bytes.fromhex(entry["hex"])[2:], bytes.fromhex(entry["expected"]["plain"])
    control = int(entry["expected"]["security_control"], 16)
    assert protect(keys, title, entry["keys"]["invocation_counter"], control, plain) == content
    assert unprotect(keys, title, content, required=control & 0x30) == plain


@pytest.mark.parametrize("entry", CIPHERED)
def test_streaming_gcm_agrees(entry):
    keys, title = keys_of(entry), bytes.fromhex(entry["keys"]["system_title"])
    content, plain = bytes.fromhex(entry["hex"])[2:], bytes.fromhex(entry["expected"]["plain"])
    encrypted, authenticated = content[0] & 0x20, content[0] & 0x10
    mode = GCM(title + content[1:5], content[-12:] if authenticated else None, min_tag_length=12)
    body = content[5:-12] if authenticated else content[5:]
    aad = content[:1] + keys.authentication_key if authenticated else b""
    stream = Cipher(AES(keys.global_unicast_encryption_key), mode)
    worker = stream.decryptor() if authenticated else stream.encryptor()
    worker.authenticate_additional_data(aad if encrypted else aad + body)
    assert (worker.update(body) if encrypted else body) == plain
    if authenticated:
        worker.finalize()


@pytest.mark.parametrize("entry", HLS)
def test_hls5_answer(entry):
    keys, title = keys_of(entry), bytes.fromhex(entry["keys"]["system_title"])
    challenge, counter = bytes.fromhex(entry["expected"]["challenge"]), entry["keys"]["invocation_counter"]
    answer = hls.response(keys, title, counter, challenge)
    assert answer.hex() == entry["hex"]
    assert hls.verify(keys, title, challenge, answer) == counter
