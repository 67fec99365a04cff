"""Every command with a meter at hand; invocation counters go to a folder of the test run."""

from __future__ import annotations

import pytest

from command_line import SECRETS, meter_on_loopback, runner


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
