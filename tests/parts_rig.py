"""An installation taken apart into folders, each part a process of its own, with people and a meter of two seals."""

from __future__ import annotations

import re
import signal
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from command_line import Process, Ran
from meter_bench import KEYS
from openami.cli.commands import GROUPS

TITLE = "4f414d0000000001"
KEY, AUTHENTICATION_KEY = KEYS.global_unicast_encryption_key.hex(), KEYS.authentication_key.hex()
MASTER_KEY = bytes(range(64, 80)).hex()
PARTS = ("authority", "guard", "witness", "headend", "operations", "portal")
PLANNERS = ("petra", "paul", "pia", "piet", "pola")
OPERATORS = ("operator", "otto")
Openami = Callable[..., Ran]


def free_ports(count: int) -> list[int]:
    """Ports that nobody has now."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


Words = tuple[tuple[str, ...], frozenset[str]]


def words_of(arguments: Iterable[str]) -> Words:
    """A command and its options, without their values; of `--json`, which is for programs, nothing."""
    first, *rest = arguments
    command = (first, rest[0]) if first in (*GROUPS, "up") else (first,)
    return command, frozenset(one.partition("=")[0] for one in rest if one.startswith("--") and one != "--json")


class Apart:
    """The folders of the parts; `start` and `stop` run them. Logs in and registers people as they would themselves."""

    def __init__(self, folder: Path, openami: Openami) -> None:
        self.folder, self._openami = folder, openami
        self._stack = ExitStack()
        self.running: dict[str, Process] = {}
        self.said: set[Words] = set()
        """The commands that were run, without their values."""
        made = self.openami("init", folder / "plant", "--json").objects[0]
        plant, self.passwords = Path(made["settings"]), {"operator": made["password"]}
        self.ports: dict[str, int] = {}
        plant.write_text(self._ported(plant.read_text()).replace("\nfeeders = []", '\nfeeders = ["F1=100000000"]'))
        people = [f"--operator={one}" for one in OPERATORS] + [f"--planner={one}" for one in PLANNERS]
        parts = self.done("separate", folder / "parts", *people, "--settings", plant, "--json").objects
        self.settings = {one["part"]: Path(one["settings"]) for one in parts}
        self.url = f"https://openami.localhost:{self.ports['8443']}"
        self.authority = self.settings["portal"].parent / "tls" / "authority.pem"
        self.link = f"tcp://127.0.0.1:{self.ports['meter']}"
        self._enter()

    def _ported(self, text: str) -> str:
        """The settings with a free port for each that they name."""
        named = sorted(set(re.findall(r"127\.0\.0\.1:(\d+)", text)))
        self.ports = dict(zip((*named, "meter"), free_ports(len(named) + 1), strict=True))
        return re.sub(r"127\.0\.0\.1:(\d+)", lambda found: f"127.0.0.1:{self.ports[found[1]]}", text)

    def _enter(self) -> None:
        """The meter's seals at the guard, the meter in the registry, the people who log in."""
        guard, operations = self.settings["guard"], self.settings["operations"]
        place = ("--feeder", "F1", "--transformer", "T1", "--power-w", 2000)
        self.done("pki", "meter", TITLE, self.folder / "meter.seal", *place, "--settings", guard)
        since = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()
        file = self.folder / "meters.csv"
        columns = "point,address,zone,serial,system_title,link,resolution_s,encryption_key,authentication_key,"
        file.write_text(
            f"{columns}master_key,seals,since\n"
            f"P-1,1 Mill Lane,Etc/UTC,M1,{TITLE},{self.link},900,{KEY},{AUTHENTICATION_KEY},{MASTER_KEY},two,{since}\n"
        )
        self.done("enrol", file, "--settings", operations)
        for login in (*OPERATORS[1:], *PLANNERS):
            made = self.done("account", login, "--settings", operations, "--json").objects[0]
            self.passwords[login] = made["password"]

    def openami(self, *arguments: object) -> Ran:
        """Run a command."""
        self.said.add(words_of(map(str, arguments)))
        return self._openami(*arguments)

    def done(self, *arguments: object) -> Ran:
        """Run a command that must do what it is asked."""
        ran = self.openami(*arguments)
        assert ran.status == 0, ran.err
        return ran

    def start(self, *parts: str) -> None:
        """Start parts and wait until each says where it is."""
        for part in parts:
            arguments = ("up", part, "--settings", self.settings[part], "--json")
            self.said.add(words_of(map(str, arguments)))
            process = Process(self.folder, *arguments)
            self.running[part] = self._stack.enter_context(process)
        for part in parts:
            self.running[part].line(f'"{part}"')

    def stop(self, part: str) -> None:
        """End a part in order."""
        ended = self.running.pop(part).stop(signal.SIGTERM)
        assert ended.status == 0, ended.err
        assert "Traceback" not in ended.err

    def play_meter(self, speed: float) -> None:
        """The meter as a process that begins at the present time and lives `speed` times as fast.

        Its random delay is up to ten of its minutes; a command is fresh for so much of its time as stands in it. At
        another speed it is another meter, which remembers no switching: its own limits count minutes of its time.
        """
        if "meter" in self.running:
            self.running.pop("meter").stop(signal.SIGINT)
        process = Process(
            self.folder, "meter", "--listen", f"127.0.0.1:{self.ports['meter']}", "--speed", speed, "--serial", "M1",
            "--counters", self.folder / "meter.journal", "--two-seals", self.folder / "meter.seal", "--days", 1,
            "--records", self.folder / f"meter-{speed}.records", "--json",
            OPENAMI_ENCRYPTION_KEY=KEY, OPENAMI_AUTHENTICATION_KEY=AUTHENTICATION_KEY, OPENAMI_MASTER_KEY=MASTER_KEY,
        )  # fmt: skip
        self.running["meter"] = self._stack.enter_context(process)
        process.line("link")

    def invitation(self, person: str) -> str:
        """The same word at the authority and at the guard, given while both run."""
        invited = ("people", "invite")
        made = self.done(*invited, "authority", person, "--settings", self.settings["authority"], "--json")
        word: str = made.objects[0]["invitation"]
        self.done(*invited, "guard", person, f"--invitation={word}", "--settings", self.settings["guard"])
        return word

    def passkey(self, person: str) -> Path:
        """A passkey in a file, registered over the pages."""
        file = self.folder / f"{person}.passkey"
        self.done(
            "passkey", self.url, file, *self.who(person)[:4], f"--invitation={self.invitation(person)}", *self.tls
        )
        return file

    @property
    def tls(self) -> tuple[object, ...]:
        """How commands trust the pages."""
        return "--authority", self.authority

    def who(self, person: str) -> tuple[Any, ...]:
        """The options by which somebody talks to the pages, with the passkey in a file."""
        return (
            *("--login", person, "--password", self.passwords[person]),
            *("--passkey", self.folder / f"{person}.passkey"),
        )

    def close(self) -> None:
        """End whatever runs."""
        self._stack.close()


@contextmanager
def apart(folder: Path, openami: Openami) -> Iterator[Apart]:
    """All parts run, and the meter does."""
    made = Apart(folder, openami)
    try:
        made.start(*PARTS)
        yield made
    finally:
        made.close()
