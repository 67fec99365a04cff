"""Every command with a meter at hand; invocation counters go to a folder of the test run."""

from __future__ import annotations

import asyncio

import pytest

from command_line import SECRETS, meter_on_loopback, runner
from openami.app.installation import Installation
from openami.app.parts import open_back_office
from openami.io.clock import SystemClock


@pytest.fixture(scope="session")
def state(tmp_path_factory):
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="session")
def meter():
    with meter_on_loopback() as faces:
        yield faces


@pytest.fixture(autouse=True)
def environment(monkeypatch, state):
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    for name in (*SECRETS, "OPENAMI_PASSWORD"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def secrets(monkeypatch):
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def openami(capsys):
    return runner(capsys)


@pytest.fixture
def installed(openami, tmp_path):
    """The settings of a new installation."""
    assert openami("init", tmp_path / "plant", "--json").status == 0
    return tmp_path / "plant" / "openami.toml"


@pytest.fixture
def enrol(openami, installed, tmp_path):
    """Enters meters from a CSV file of these lines."""

    def run(*lines):
        (tmp_path / "meters.csv").write_text("\n".join(lines) + "\n")
        return openami("enrol", tmp_path / "meters.csv", "--settings", installed, "--json")

    return run


@pytest.fixture
def entered(installed):
    """Tells each meter of the installation, the channels of its point, and whether it has a key."""

    async def look():
        async with open_back_office(Installation.load(installed), SystemClock(), "127.0.0.1:1") as office:
            registry, titles = office.registry, office.keystore.system_titles()
            points = [registry.installations(meter.id)[0].metering_point for meter in registry.meters()]
            return [
                (meter, registry.channels(point), meter.system_title in titles)
                for meter, point in zip(registry.meters(), points, strict=True)
            ]

    return lambda: asyncio.run(look())
