"""A NATS server of its own for tests: the program that comes as a wheel, on a free port, its files in a folder."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which

CONFIG = 'port: -1\nhost: 127.0.0.1\njetstream {{ store_dir: "{folder}", sync_interval: always }}\n'


def program() -> Path | None:
    """Where the server's program is; None if it is not installed."""
    beside = Path(sys.executable).with_name("nats-server")
    found = str(beside) if beside.exists() else which("nats-server")
    return Path(found) if found else None


@contextmanager
def nats_server(folder: Path) -> Iterator[str]:
    """The address of a server that keeps its streams in `folder`."""
    folder.mkdir(exist_ok=True)
    config = folder / "server.conf"
    config.write_text(CONFIG.format(folder=folder / "streams"))
    running = subprocess.Popen([str(program()), "-c", str(config)], stderr=subprocess.PIPE, text=True)
    assert running.stderr is not None
    try:
        port = 0
        for line in running.stderr:
            found = re.search(r"Listening for client connections on 127\.0\.0\.1:(\d+)", line)
            port = int(found[1]) if found else port
            if "Server is ready" in line:
                break
        assert port, "the server did not start"
        yield f"nats://127.0.0.1:{port}"
    finally:
        running.kill()
        running.wait()
        running.stderr.close()
