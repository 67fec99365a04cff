"""What all commands share: help, versions, wrong names, and how an error becomes an exit status."""

from __future__ import annotations

import io
import re

import pytest
import typer

from openami import __version__
from openami.cli import commands
from openami.cli.commands import COMMANDS, GROUPS
from openami.model.errors import LinkLost, SettingError


def leaves(command, words=()):
    """All commands by the words that call them; click's own classes are not at hand where typer brings its own."""
    if not hasattr(command, "commands"):
        return {" ".join(words): command}
    return {key: one for name, below in command.commands.items() for key, one in leaves(below, (*words, name)).items()}


LEAVES = leaves(typer.main.get_command(commands.make_app()))


def needed(command):
    """Nonsense for each argument and option that `command` cannot do without."""
    required = [parameter for parameter in command.params if parameter.required]
    return [
        word
        for parameter in required
        for word in ([] if parameter.param_type_name == "argument" else [parameter.opts[0]]) + ["nonsense"]
    ]


@pytest.mark.parametrize("command", [*COMMANDS, *GROUPS])
def test_every_command_explains_itself(openami, command):
    ran = openami(command, "--help")
    assert ran.status == 0
    assert f"openami {command}" in ran.out


def test_the_version(openami):
    assert openami("--version").out == f"openami {__version__}\n"


def test_nothing_shows_the_help(openami):
    assert "decode" in openami().out


@pytest.mark.parametrize("wrong", [["bogus"], ["read"], ["decode", "--nonsense"], ["demo", "--meters", "many"]])
def test_a_wrong_command_line(openami, wrong):
    ran = openami(*wrong)
    assert ran.status == 1
    assert "Usage" in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("raised", "status", "said"),
    [
        (SettingError("a setting"), 1, "error: a setting\n"),
        (OSError(2, "No such file", "x.csv"), 1, "error: No such file: x.csv\n"),
        (ExceptionGroup("parts", [LinkLost("one"), LinkLost("two")]), 1, "error: one\nerror: two\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_an_error_becomes_an_exit_status(openami, monkeypatch, raised, status, said):
    def failing(*_, **__):
        raise raised

    monkeypatch.setattr(commands, "make_app", lambda _: failing)
    ran = openami("anything")
    assert (ran.status, ran.err) == (status, said)


def test_a_bug_of_ours_is_not_hidden(monkeypatch):
    def failing(*_, **__):
        raise ExceptionGroup("parts", [LinkLost("one"), ZeroDivisionError()])

    monkeypatch.setattr(commands, "make_app", lambda _: failing)
    with pytest.raises(ExceptionGroup):
        commands.run(["anything"])


@pytest.mark.parametrize("command", LEAVES.values(), ids=LEAVES)
def test_every_option_has_its_explanation(command):
    assert [parameter.name for parameter in command.params if not parameter.help] == []


@pytest.mark.parametrize("words", [words for words, command in LEAVES.items() if needed(command)])
def test_nonsense_is_answered_in_words(openami, monkeypatch, tmp_path, words):
    """Whatever a command cannot do without is nonsense here: no bug shows, and what went wrong is said."""
    monkeypatch.chdir(tmp_path)
    ran = openami(*words.split(), *needed(LEAVES[words]))
    assert ran.status == 0 or re.search("error|rror ─", ran.err), ran


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("decode -", "nothing to decode"),
        ("decode 7e --key xy", "--key is not hexadecimal\n"),
        ("meter --signing-key no.pem", "give --clone"),
        ("meter --mesh-eui64 0102030405060708", "give --mesh"),
        ("meter --wake-key 00", "give --call-in"),
        ("meter --records here", "give --encryption-key"),
        ("wmbus play --certificate no.pem", "--mode 13"),
        ("wmbus repeat cul --address 12345678", "'12345678' is no address of a meter"),
        ("pki deny no.pem", "this is no certificate in PEM"),
        ("pki adopt no.pem no.pem", "this is no certificate in PEM"),
        ("pki install own.pem no.pem", "own.pem.key.new is not there: make the key first"),
        ("pki sign no.pem --name a --system-title 00", "--system-title has 1 bytes, not 0 or 8"),
        ("security remove tcp://127.0.0.1:1 meter signing 0011", "TITLE has 2 bytes, not 0 or 8"),
        ("security remove tcp://127.0.0.1:1 meter signing 00 --setup 0-0", "TITLE has 1 bytes"),
        ("security import tcp://127.0.0.1:1 no.pem --setup 1-2-3", "is not an OBIS code"),
    ],
)
def test_what_cannot_be_is_not_passed_over(openami, monkeypatch, tmp_path, line, said):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO()))
    (tmp_path / "no.pem").write_text("nothing of the kind\n")
    ran = openami(*line.split())
    assert ran.status == 1
    assert said in ran.err
