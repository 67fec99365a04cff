"""gurux-dlms's client in its own process and environment: tests and benchmarks talk to it by lines of JSON."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

ROOT = Path(__file__).parents[1]
PYTHON = ROOT / ".peers" / "bin" / "python"
SCRIPT = ROOT / "tests" / "peers" / "gurux_client.py"


NEEDED = [
    pytest.mark.peer,
    pytest.mark.skipif(not PYTHON.exists(), reason="the peers' environment is not installed (make test makes it)"),
]
"""The marks of a module of tests that talk to the peer."""


class PeerFailed(Exception):
    """The peer could not do what it was asked; the text is its own."""


class GuruxPeer:
    """The peer's process; `core` pins it to one core."""

    def __init__(self, core: int | None = None) -> None:
        command = [str(PYTHON), "-W", "ignore", str(SCRIPT), *([] if core is None else [str(core)])]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, do: str, **settings: Any) -> Any:
        """The peer's answer; raise `PeerFailed` if it has none."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, **settings}) + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith("> "):
                answer = json.loads(line[2:])
                if "error" in answer:
                    raise PeerFailed(answer["error"])
                return answer["ok"]
        raise PeerFailed(f"the peer's process ended with status {self._process.wait()}")

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
