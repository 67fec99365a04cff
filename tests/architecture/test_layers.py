"""The picture of the rooms, enforced: imports point down, and nothing below the I/O line touches the world."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"

# Each line may import from itself's own room and from the lines below it.
PICTURE = """
cli
app
simulation
portal
backoffice.grid
backoffice.mdm
backoffice.operations
backoffice.authority backoffice.guard
backoffice.audit
backoffice.registry
headend
field.collector
field.meter
field.home
io.links io.store io.spool io.keystore
io.clock io.blocking io.disk io.executor
protocols.zones
protocols.seal
protocols.exchange
protocols.dlms protocols.mbus protocols.iec62056_21 protocols.sml protocols.zigbee protocols.c12 protocols.mesh
protocols.decode
protocols.wire
model
"""
LEVEL = {room: level for level, line in enumerate(reversed(PICTURE.split("\n"))) for room in line.split()}
STRANGERS = ("field", "headend", "backoffice")
NEVER = {("backoffice.authority", "backoffice.guard"), ("backoffice.guard", "backoffice.authority")}
BELOW_IO = ("protocols", "model")
BANNED_BELOW_IO = {"asyncio", "socket", "ssl", "time", "random", "os", "secrets", "threading", "selectors", "logging"}
BANNED_IN_SIMULATED = {"time", "random", "secrets", "threading"}
SIMULATED = ("field", "headend", "backoffice")
FORBIDDEN_NAMES = ("utils", "common", "helpers", "base", "manager")
COPYLEFT = {"gurux_dlms", "gurux_common", "gurux_net", "gurux_serial", "dlms_cosem"}


def files() -> Iterator[Path]:
    yield from sorted((SOURCE / "openami").rglob("*.py"))


def module(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[1:-1] if parts[-1] == "__init__" else parts[1:])


def room(name: str) -> str | None:
    """The longest room of the picture that holds the module `name`."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        if (candidate := ".".join(parts[:length])) in LEVEL:
            return candidate
    return None


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own(path: Path) -> Iterator[str]:
    for name in imports(path):
        if name.startswith("openami."):
            yield name.removeprefix("openami.")


CASES = [pytest.param(path, id=module(path) or "openami") for path in files()]


@pytest.mark.parametrize("path", CASES)
def test_imports_point_down(path):
    here = room(module(path))
    for name in own(path):
        there = room(name)
        if here is None or there is None or there == here:
            continue
        assert LEVEL[there] < LEVEL[here], f"{module(path)} imports {name}, which lies above or beside it"
        assert (here, there) not in NEVER
        assert not _strangers(here, there), f"{here} and {there} are strangers"


def _strangers(here: str, there: str) -> bool:
    tops = here.split(".", maxsplit=1)[0], there.split(".", maxsplit=1)[0]
    return tops[0] != tops[1] and all(top in STRANGERS for top in tops)


@pytest.mark.parametrize("path", CASES)
def test_below_the_io_line_nothing_touches_the_world(path):
    if module(path).split(".")[0] in BELOW_IO:
        assert not {name.split(".")[0] for name in imports(path)} & BANNED_BELOW_IO


@pytest.mark.parametrize("path", CASES)
def test_what_simulation_runs_takes_time_and_chance_as_parameters(path):
    if module(path).split(".")[0] in SIMULATED:
        assert not {name.split(".")[0] for name in imports(path)} & BANNED_IN_SIMULATED


@pytest.mark.parametrize("path", CASES)
def test_names_say_what_a_file_is(path):
    assert path.stem not in FORBIDDEN_NAMES


@pytest.mark.parametrize("path", CASES)
def test_no_copyleft_import(path):
    assert not {name.split(".")[0] for name in imports(path)} & COPYLEFT


def test_every_room_is_in_the_picture():
    tops = {module(path).split(".")[0] for path in files()} - {""}
    assert tops <= {name.split(".")[0] for name in LEVEL}
