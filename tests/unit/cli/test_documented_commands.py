"""Every `openami …` in the docs or in our own texts is a command that there is, with its options."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import typer

from openami.cli.commands import COMMANDS, GROUPS, make_app

ROOT = Path(__file__).parents[3]
FILES = [
    *ROOT.glob("*.md"),
    *(file for file in ROOT.glob("docs/**/*.md") if "_build" not in file.parts),
    *ROOT.glob("src/openami/**/*.py"),
    *ROOT.glob("src/openami/**/*.html"),
]
FENCE = re.compile(r"```(?:sh|console|bash|text)?\n(.*?)```", re.DOTALL)
CALL = re.compile(r"(?:^|\$ |&& |\| |=\$\()\s*(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?openami ([^|>&;#)]*)")
QUOTED = re.compile(r"`openami ([^`\n]+)`")
APP = typer.main.get_command(make_app((*COMMANDS, *GROUPS)))


def calls(text):
    """What follows `openami` in blocks of a shell and in quotes of code; what is only named in prose is left out."""
    text = re.sub(r"\\\n\s*", " ", text)
    lines = [line for block in FENCE.findall(text) for line in block.splitlines()]
    found = [call[1] for line in lines if (call := CALL.search(line))] + QUOTED.findall(text)
    return [words for call in found if re.match(r"[a-z]\w*( |$)", call) and (words := split(call))]


def split(call):
    try:
        return [re.sub(r"[…,.]+$", "", word) for word in shlex.split(call)]
    except ValueError:  # half of a quoted line
        return []


def wrong(words):
    """What of a call is not there: the command itself, or an option; `a|b` names two commands at once."""
    command = APP
    while words and hasattr(command, "commands"):
        if "|" in words[0] or "{" in words[0]:
            return []
        if words[0] not in command.commands:
            return words[:1]
        command, *words = command.commands[words[0]], *words[1:]
    known = {"--help", "-h", *(name for one in command.params for name in (*one.opts, *one.secondary_opts))}
    options = [re.split(r"[=|]", word)[0] for word in words if re.match(r"--?[a-z]", word)]
    return [option for option in options if option not in known]


def test_every_call_is_one():
    found = {file: calls(file.read_text(encoding="utf-8")) for file in FILES}
    assert [(str(file), words) for file, said in found.items() for words in said if wrong(words)] == []
    assert sum(map(len, found.values())) > 400


def test_a_wrong_call_is_found():
    text = "```sh\nopenami read tcp://x --clint 2\nopenami raed x\n```\n`openami mbus scna`, `openami read --client 2`"
    assert [wrong(words) for words in calls(text)] == [["--clint"], ["raed"], ["scna"], []]
