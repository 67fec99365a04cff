"""`openami decode` as a user meets it: hexadecimal in, meaning out, errors with offset and exit status 1."""

from __future__ import annotations

import json

import pytest

from openami.cli.decode import decode
from openami.model.errors import SettingError

GET = "c001c1000100002b0100ff0200"
CIPHERED = "cc1a30012345674513d3ff9d5a4744f9b290433fa95b627cb081fe03"
EK, AK = "000102030405060708090a0b0c0d0e0f", "d0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
TITLE = "4d4d4d0000bc614e"


def lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_one_json_object_a_line(capsys):
    assert decode(message=GET, as_json=True) == 0
    (found,) = lines(capsys)
    assert found["protocol"] == "dlms"
    assert found["kind"] == "get-request-normal"
    assert found["cosem_attribute_descriptor"]["class_id"] == 1


def test_every_byte_is_shown_to_people(capsys):
    decode(message=GET)
    shown = capsys.readouterr().out
    assert "0-0:43.1.0*255 invocation counter" in shown
    assert "cosem_attribute_descriptor.class_id" in shown


def test_the_right_pair_of_keys_is_found(capsys):
    assert decode(message=CIPHERED, key=[AK, EK], system_title=[TITLE], as_json=True) == 0
    (found,) = lines(capsys)
    assert found["content"]["kind"] == "get-response-normal"


@pytest.mark.parametrize(
    ("keys", "titles", "problem"),
    [(None, None, "--key"), ([EK, AK], None, "--system-title"), ([EK], [TITLE], "none of 1 keys")],
)
def test_what_stays_closed_says_why(capsys, keys, titles, problem):
    assert decode(message=CIPHERED, key=keys, system_title=titles, as_json=True) == 0
    (found,) = lines(capsys)
    assert problem in found["problem"]


def test_a_bad_line_does_not_stop_the_others(capsys, tmp_path):
    file = tmp_path / "lines.hex"
    file.write_text(f"{GET}\nzz\n# a comment\n{GET[:-2]}\n\n7e a0 08 02 23 21 93 bd 64 7e\n")
    assert decode(file=file, as_json=True) == 1
    found = lines(capsys)
    assert [line.get("kind") for line in found] == ["get-request-normal", None, None, "SNRM"]
    assert found[1]["offset"] == 0
    assert "access_selection" in found[2]["path"]
    assert all(line["error"] for line in found[1:3])


def test_raw_data_needs_its_name(capsys):
    assert decode(message="1202d0", as_json=True) == 1
    assert decode(message="1202d0", protocol="data", as_json=True) == 0
    assert lines(capsys)[1] == {"protocol": "dlms", "kind": "data", "type": "long-unsigned", "value": 720}


@pytest.mark.parametrize("wrong", [{"key": ["xy"]}, {"key": ["00"]}, {"system_title": ["00"]}, {"protocol": "morse"}])
def test_wrong_options_are_named(wrong):
    with pytest.raises(SettingError):
        decode(message=GET, **wrong)


def test_without_the_authentication_key_only_when_asked_for_and_marked(capsys):
    def found(**options):
        assert decode(message=CIPHERED, system_title=[TITLE], as_json=True, **options) == 0
        return lines(capsys)[0]

    refused = found(key=[EK])
    assert "none of 1 keys" in refused["problem"]
    assert "content" not in refused
    opened = found(key=[EK], unverified=True)
    assert opened["problem"].startswith("NOT VERIFIED")
    assert opened["content"]["kind"] == "get-response-normal"
    assert "problem" not in found(key=[EK, AK], unverified=True)
    assert "content" not in found(key=[AK], unverified=True)
