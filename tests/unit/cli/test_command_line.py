"""What all commands share: help, versions, wrong names, and how an error becomes an exit status."""

from __future__ import annotations

import pytest
import typer

from openami import __version__
from openami.cli import commands
from openami.cli.commands import COMMANDS
from openami.model.errors import LinkLost, SettingError


@pytest.mark.parametrize("command", COMMANDS)
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


def test_every_option_has_its_explanation():
    for name, command in typer.main.get_command(commands.make_app()).commands.items():
        for parameter in command.params:
            assert parameter.help, f"openami {name}: {parameter.name}"
