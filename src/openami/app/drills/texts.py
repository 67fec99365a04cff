"""Texts that somebody else has given, such as a meter's number or what it reports: on pages and in logs."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any, Final

from jinja2 import Environment

from openami.app import log_lines
from openami.app.drills.drill import Removal, drill, stands
from openami.app.drills.portal_world import START, Browser, open_portal
from openami.app.log_lines import OneLine
from openami.backoffice.operations.notes import Notes
from openami.backoffice.operations.session_result import EventRead
from openami.backoffice.registry.registry import Registry
from openami.model.event import EventCode
from openami.model.quality import GuaranteeClass
from openami.portal import pages

ROGUE: Final = "rogue meter"
TEXTS: Final = ("<script>alert(1)</script>", '"onmouseover="alert(1)', "</title><img src=x onerror=alert(1)>")
LINES: Final = ("m1\r\n2026-01-01 00:00:00,000 INFO openami: anna logged in", "m1\x1b[2K\x1b[1A", "m1\u2028x\u202ey")


def _trusting(**settings: Any) -> Environment:
    return Environment(**{**settings, "autoescape": False})


@drill("A012", ROGUE, Removal(pages, "Environment", _trusting))
def texts_of_a_meter_are_shown_on_pages() -> None:
    """Its number, its place and what it reports are text on every page that shows them, and in what is searched."""
    with open_portal() as portal:
        registry, notes = Registry(portal.state.store), Notes(portal.state.store)
        for number, text in enumerate(TEXTS, 10):
            meter = registry.add_meter(text, b"OAM" + number.to_bytes(5, "big"), GuaranteeClass.SHARED_KEYS, None)
            point = registry.add_point(f"P{text}", f"1 {text}", "Europe/London")
            registry.install(meter.id, point.id, START)
            notes.note_events(meter.id, [EventRead(START, EventCode.COVER_OPENED)], datetime.now(UTC), text, 0)
        browser = Browser(portal)
        browser.log_in("operator")
        shown = 0
        for path in (
            "/operator",
            "/operator?q=alert",
            "/operator/events",
            *(f"/operator/meters/{n}" for n in range(3, 6)),
        ):
            answer = browser.get(path)
            stands(answer.status == 200, f"{path}: {answer.status}, so nothing was shown")
            shown += answer.text.count("alert(1)")
            for text in TEXTS:
                stands(text not in answer.text, f"{path}: what a meter says is run: {text}")
        stands(shown >= len(TEXTS), "the pages show none of the texts: the drill proves nothing")


@drill("A012", ROGUE, Removal(log_lines, "escaped", str))
def texts_of_a_meter_stand_in_logs() -> None:
    """No text makes a line, clears one, or turns it around."""
    for text in LINES:
        record = logging.LogRecord("openami", logging.WARNING, "", 0, "%s is silent", (text,), None)
        line = OneLine().format(record)
        stands(len(line.splitlines()) == 1, "a meter writes lines of its own into the log")
        stands(line.isprintable(), "a meter moves the cursor of whoever reads the log")
