"""Running `openami` in tests: in this process, as a process of its own, and against a meter on the loopback."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any, Self

from meter_bench import DAY_S, KEYS, START, BenchClock, make_laboratory_meter, seeded
from openami.cli.commands import run
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.faces.serial_line import serve_meter_pty
from openami.field.meter.faces.service import FramingKind, MeterService
from openami.field.meter.faces.tcp import serve_meter_tcp
from openami.io.clock import Clock

PROGRAM = [sys.executable, "-c", "from openami.cli import main; main()"]
SECRETS = {
    "OPENAMI_ENCRYPTION_KEY": KEYS.global_unicast_encryption_key.hex(),
    "OPENAMI_AUTHENTICATION_KEY": KEYS.authentication_key.hex(),
}
SEALED = ["--client", "2", "--authentication", "hls5"]
STEPS_MAX = 600


@dataclass(frozen=True)
class Ran:
    """What a command line gave: exit status and what it said."""

    status: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The output as one JSON object a line."""
        return [json.loads(line) for line in self.out.splitlines()]


def runner(capsys) -> Callable[..., Ran]:
    """Run a command line in this process."""

    def openami(*arguments: object) -> Ran:
        capsys.readouterr()
        status = run([str(argument) for argument in arguments])
        return Ran(status, *capsys.readouterr())

    return openami


@dataclass(frozen=True)
class Faces:
    """One meter's addresses."""

    wrapper: str
    hdlc: str
    pty: str


@contextmanager
def meter_on_loopback(
    device: ElectricityMeter | None = None, clock: Clock | None = None, tls: ssl.SSLContext | None = None
) -> Iterator[Faces]:
    """A laboratory meter with two days of history, on TCP in both framings and on a pty, in a thread of its own.

    `tls` is what the TCP faces speak, if anything.
    """
    device = device or make_laboratory_meter()
    clock = clock or BenchClock(START + 2 * DAY_S)
    loop, faces = asyncio.new_event_loop(), []
    up, down = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with AsyncExitStack() as stack:
            services = [MeterService(device, clock, random=seeded(), framing=kind) for kind in FramingKind]
            by_kind = dict(zip(FramingKind, services, strict=True))
            for kind in (FramingKind.WRAPPER, FramingKind.HDLC):
                server = await serve_meter_tcp(by_kind[kind], tls=tls)
                stack.push_async_callback(server.close)
                faces.append(f"{'tls' if tls else 'tcp'}://127.0.0.1:{server.port}")
            line = await serve_meter_pty(by_kind[FramingKind.HDLC])
            stack.push_async_callback(line.close)
            faces.append(f"serial://{line.path}")
            up.set()
            await down.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    try:
        assert up.wait(60)
        yield Faces(*faces)
    finally:
        loop.call_soon_threadsafe(down.set)
        thread.join(60)
        loop.close()


class Process:
    """`openami` as a process of its own, whose lines are taken as they come and waited for."""

    def __init__(self, folder: Path, *arguments: object, program: Sequence[str] = PROGRAM, **environment: str) -> None:
        self.temporary = folder / "temporary"
        self.temporary.mkdir(exist_ok=True)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("OPENAMI_")}
        state = {"TMPDIR": str(self.temporary), "XDG_STATE_HOME": str(folder / "state")}
        self._process = subprocess.Popen(
            [*program, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**inherited, **state, **environment},
        )
        self._out, self._err = Lines(self._process.stdout), Lines(self._process.stderr)

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def line(self, wanted: str, *, on_errors: bool = False) -> str:
        """The next line that holds `wanted`; fails when the process ends without it."""
        lines = self._err if on_errors else self._out
        while (line := lines.next()) is not None:
            if wanted in line:
                return line
        raise AssertionError(f"ended without {wanted!r}: {self._err.rest()}")

    def stop(self, number: int) -> Ran:
        """Send a signal and wait for the end."""
        self._process.send_signal(number)
        return self.wait()

    def wait(self) -> Ran:
        """Wait for the end; what it said since the last line that was waited for."""
        return Ran(self._process.wait(120), self._out.rest(), self._err.rest())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(120)
        for lines in (self._out, self._err):
            lines.close()


class Lines:
    """A pipe that is always read, so that who writes into it never waits."""

    def __init__(self, pipe: IO[str]) -> None:
        self._pipe = pipe
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def next(self) -> str | None:
        """The next line; None at the end."""
        line = self._lines.get(timeout=200)
        if line is None:
            self._lines.put(None)
        return line

    def rest(self) -> str:
        """All lines until the end."""
        return "".join(iter(self.next, None))

    def close(self) -> None:
        """The writer has ended."""
        self._reader.join(60)
        self._pipe.close()

    def _read(self) -> None:
        for line in self._pipe:
            self._lines.put(line)
        self._lines.put(None)
