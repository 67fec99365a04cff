"""The real installation gives commands: each part a process with a folder of its own, people with passkeys in files."""

from __future__ import annotations

import re
import shlex
import time
from pathlib import Path

import pytest

from parts_rig import PLANNERS, Apart, apart, words_of

STEP_S = 1.0
LOOKS_MAX = 60
HOW_TO = Path(__file__).parents[3] / "docs" / "how-to" / "run-the-real-thing.md"


@pytest.fixture
def site(openami, tmp_path):
    with apart(tmp_path, openami) as made:
        for person in ("operator", "otto"):
            made.passkey(person)
        yield made


def asked(site: Apart, verb: str, person: str = "operator") -> str:
    """The name of a new order."""
    ran = site.done("ask", site.url, "M1", verb, *site.who(person), *site.tls, "--json")
    name: str = ran.objects[0]["request"]
    return name


def approve(site: Apart, order: str, person: str):
    return site.openami("approve", site.url, order, *site.who(person), *site.tls)


def step(site: Apart, order: str, what: str = "show"):
    """An order's state and what has become of its one command."""
    ran = site.done("order", site.url, order, what, *site.who("otto")[:4], *site.tls, "--json")
    return ran.objects[0]["state"], ran.objects[0]["outcome"]


def until(site: Apart, order: str, wanted: str) -> str:
    """What the meter says once that holds `wanted`: it waits for its random delay, and may be reached late."""
    told = ""
    for _ in range(LOOKS_MAX):
        _, told = step(site, order, "send" if told.startswith("not carried out") else "check")
        if wanted in told:
            return told
        time.sleep(STEP_S)
    raise AssertionError(f"not {wanted!r} within {LOOKS_MAX} looks: {told}")


def test_two_people_switch_a_meter_and_nobody_else_does(site):
    order = asked(site, "disconnect")
    alone = approve(site, order, "operator")
    assert alone.status == 1
    assert "another person" in alone.err
    site.play_meter(20)
    assert approve(site, order, "otto").status == 0
    assert until(site, order, "done") == "done; the contact is disconnected"
    log = site.folder / "parts" / "portal"
    told = site.done("audit", "show", "--commands", "--settings", site.settings["operations"], "--json").objects
    assert any("account" in row["kind"] for row in told)
    assert log.joinpath("portal-records").is_dir()
    assert not any(file.name.startswith("keystore") for file in log.rglob("*")), "the pages hold no meter's key"
    in_an_emergency(site)
    without_the_guard(site)
    without_the_authority(site)
    assert documented() - site.said == set(), "the how-to has commands that were not run"


def in_an_emergency(site: Apart) -> None:
    """Three of five prepare, two activate; what two others order under the plan skips the transformer's budget."""
    plan = ("--verb", "disconnect", "--feeder", "F1", "--power-w", 4000, "--lasts-s", 900)
    told = []
    for planner in PLANNERS[:3]:
        site.passkey(planner)
        told += site.done("plan", "prepare", site.url, "spring", *plan, *site.who(planner), *site.tls, "--json").objects
    assert [one["done"] for one in told] == [False, False, True]
    early = site.openami("plan", "ask", site.url, "spring", "disconnect", "M1", *site.who("operator"), *site.tls)
    assert "two planners have to activate it first" in early.err
    told = [
        site.done("plan", "activate", site.url, "spring", *site.who(one), *site.tls, "--json").objects[0]["done"]
        for one in PLANNERS[:2]
    ]
    assert told == [False, True]
    nobody = site.openami("plan", "activate", site.url, "spring", *site.who("otto"), *site.tls)
    assert nobody.status == 1, "who is no planner activates nothing"
    made = site.done("plan", "ask", site.url, "spring", "disconnect", "M1", *site.who("operator"), *site.tls, "--json")
    order = made.objects[0]["request"]
    site.play_meter(1)
    assert approve(site, order, "otto").status == 0
    assert until(site, order, "done") == "done; the contact is disconnected", "without a random delay"


def documented():
    """The commands of the how-to."""
    section = HOW_TO.read_text().partition("## Give commands")[2].partition("\n## ")[0]
    lines = re.findall(r"^\$ openami (.*)$", section, re.MULTILINE)
    assert len(lines) > 10
    return {words_of(shlex.split(line)) for line in lines}


def without_the_guard(site: Apart) -> None:
    """Approved is approved; nothing is sent, reading goes on. When it is back the order goes on, and is judged."""
    site.stop("guard")
    order = asked(site, "reconnect")
    assert approve(site, order, "otto").status == 0
    state, told = step(site, order, "check")
    assert state == "approved"
    assert told.startswith("not sent: the guard does not answer, so no critical command is sealed")
    assert site.done("readings", "P-1", "--settings", site.settings["operations"], "--json").status == 0
    site.start("guard")
    state, told = step(site, order, "send")
    assert (state, told.partition(":")[0]) == ("sent", "held back by the guard")
    assert "transformer T1" in told, "one customer of a transformer in a day"


def without_the_authority(site: Apart) -> None:
    """Nobody can ask, and the pages say what that means."""
    site.stop("authority")
    ran = site.openami("ask", site.url, "M1", "disconnect", *site.who("operator"), *site.tls)
    assert ran.status == 1
    assert (
        "the authority does not answer, so nobody can ask for or approve a critical command; reading goes on" in ran.err
    )
