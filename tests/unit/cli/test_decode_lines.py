"""`openami decode` as a filter: from an argument, a file, standard input, and into a closed pipe."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest

from command_line import PROGRAM

GET = "c001c1000100002b0100ff0200"


def feed(monkeypatch, data):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_argument_file_and_standard_input_say_the_same(openami, monkeypatch, tmp_path):
    (tmp_path / "one.hex").write_text(GET + "\n")
    by_argument = openami("decode", GET, "--json")
    by_file = openami("decode", "--file", tmp_path / "one.hex", "--json")
    feed(monkeypatch, f"{GET}\n".encode())
    by_input = openami("decode", "--json")
    feed(monkeypatch, GET.encode())
    by_dash = openami("decode", "-", "--json")
    assert by_argument == by_file == by_input == by_dash
    assert by_argument.objects[0]["cosem_attribute_descriptor"]["attribute_id"] == 2


@pytest.mark.parametrize("text", [GET.upper(), f"0x{GET}", "c0 01 c1 00 01 00 00 2b 01 00 ff 02 00", f"{GET} # why"])
def test_hexadecimal_as_people_paste_it(openami, monkeypatch, text):
    feed(monkeypatch, text.encode())
    assert openami("decode", "--json").objects[0]["kind"] == "get-request-normal"


def test_a_binary_file_gives_an_error_a_line(openami, monkeypatch):
    feed(monkeypatch, b"\x7e\xa0\x07\n\x96\x00\xff\n")
    ran = openami("decode", "--json")
    assert ran.status == 1
    assert all(one["error"] and one["line"] for one in ran.objects)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["zz"], "'z' is no hexadecimal digit at offset 0"),
        (["c001c"], "odd number"),
        (["1202d0"], "name it if it is one of"),
        (["1202d0", "--as", "morse"], "morse"),
        ([GET, "--file", "/dev/null"], "not both"),
        (["--file", "/dev/null/absent"], "/dev/null/absent"),
        (["--key", "00", GET], "key"),
    ],
)
def test_what_is_wrong_is_said(openami, arguments, message):
    ran = openami("decode", *arguments)
    assert ran.status == 1
    assert message in ran.err
    assert "Traceback" not in ran.err


def test_a_closed_pipe_is_no_traceback(tmp_path):
    (tmp_path / "many.hex").write_text((GET + "\n") * 5000)
    with subprocess.Popen(
        [*PROGRAM, "decode", "--json", "--file", tmp_path / "many.hex"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as filtering:
        assert "get-request-normal" in filtering.stdout.readline()
        filtering.stdout.close()
        said = filtering.stderr.read()
        assert filtering.wait(60) != 0
    assert said == ""
