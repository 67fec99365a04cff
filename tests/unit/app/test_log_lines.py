"""Whatever a text holds, it stays within the line of its record."""

from __future__ import annotations

import logging
import sys

import pytest

from openami.app.log_lines import OneLine, escaped

FORGED = "m1\r\n2026-01-01 00:00:00,000 INFO openami.portal: anna logged in"


def record(message, *arguments, exc_info=None):
    return logging.LogRecord("openami.test", logging.WARNING, "file", 1, message, arguments, exc_info)


def failed():
    try:
        raise ValueError(FORGED)
    except ValueError:
        return sys.exc_info()


def test_a_line_end_of_others_makes_no_line():
    (line,) = OneLine().format(record("%s is silent", FORGED)).splitlines()
    assert r"m1\r\n2026-01-01" in line
    assert line.endswith("anna logged in is silent")


def test_lines_of_a_traceback_are_not_taken_for_records():
    first, *others = OneLine().format(record("failed", exc_info=failed())).splitlines()
    assert first.endswith("WARNING openami.test: failed")
    assert len(others) > 2
    assert all(line.startswith("    | ") for line in others)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Zähler 7 – ok", "Zähler 7 – ok"),
        ("\x1b[2Jgone", r"\x1b[2Jgone"),
        ("a\u2028b\u202ec", r"a\u2028b\u202ec"),
        ("\ud800", r"\ud800"),
    ],
)
def test_what_is_not_printable_is_escaped(text, shown):
    assert escaped(text) == shown
