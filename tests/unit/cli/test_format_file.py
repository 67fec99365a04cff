"""Formats of compact telegrams outlive the program that learned them."""

from __future__ import annotations

import pytest

from openami.protocols.mbus.wireless.formats import encode_compact

RECORDS = bytes.fromhex("0413c409000002fd170000426cbf15")
HEAD = bytes.fromhex("449315785634123303")


def frame(ci, content):
    body = HEAD + bytes((ci,)) + content
    return (bytes((len(body),)) + body).hex()


FULL, COMPACT = frame(0x78, RECORDS), frame(0x79, encode_compact(RECORDS))


def test_a_format_that_was_learned_opens_a_compact_telegram_later(openami, tmp_path):
    file = tmp_path / "formats"
    before = openami("decode", COMPACT, "--formats", file, "--json").objects[0]
    assert "unknown format signature" in before["problem"]
    assert not file.exists()
    openami("decode", FULL, "--formats", file)
    assert file.read_text() == "041302fd17426c\n"
    openami("decode", FULL, "--formats", file)
    assert file.read_text() == "041302fd17426c\n"
    after = openami("decode", COMPACT, "--formats", file, "--json").objects[0]
    assert "problem" not in after
    assert after["content"]["values"][0]["value"] == 2.5


@pytest.mark.parametrize("text", ["zz", "04"])
def test_a_file_of_something_else_is_refused_by_its_line(openami, tmp_path, text):
    (tmp_path / "formats").write_text(f"041302fd17\n{text}\n")
    ran = openami("decode", COMPACT, "--formats", tmp_path / "formats")
    assert ran.status == 1
    assert "line 2" in ran.err
