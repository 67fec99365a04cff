"""Runs the tests of seal and guard against every mutant: `python tests/mutation_score.py OUT.jsonl [FILE…]`.

A mutant is killed when a test fails, cannot be collected, or takes more processor time than any of them needs. Each
runs in a process of its own, forked when the libraries are loaded, with the mutant in the place of its module. A line
of JSON is written for each: `file`, `line`, `change`, `killed`. The last line of the output is the score.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from typing import NamedTuple

import pytest

from mutants import Mutant, mutants

ROOT = Path(__file__).parents[1]
FOLDERS = ("protocols/seal", "backoffice/guard")
PACKAGES = tuple("openami." + folder.replace("/", ".") for folder in FOLDERS)
MACHINE = "tests/properties/backoffice/test_guard_machine.py::test_no_budget_is_ever_exceeded"
SEAL_TESTS = (
    "tests/unit/protocols/seal",
    "tests/vectors/test_seal_vectors.py",
    "tests/unit/backoffice/authority",
    "tests/unit/backoffice/guard",
    "tests/unit/field/meter/test_sealed_meter.py",
)
GUARD_TESTS = (
    "tests/unit/backoffice/guard",
    "tests/vectors/test_seal_vectors.py",
    *(f"{MACHINE}[{seed}]" for seed in range(4)),
)
LIBRARIES = (
    "numpy",
    "cryptography.x509",
    "msgspec",
    "webauthn",
    "openami.protocols.dlms.client",
    "openami.protocols.dlms.server",
    "openami.protocols.dlms.secure_channel",
    "openami.field.meter.electricity",
    "openami.simulation.disk",
)
"""Loaded before anything is forked: what stands above none of the files that are mutated."""
PLUGINS = ("pytest_asyncio.plugin", "pytest_timeout")
SECONDS_MAX = 90


class Score(NamedTuple):
    """How many mutants there were, and how many of them some test noticed."""

    mutants: int
    killed: int

    @property
    def percent(self) -> float:
        """The share that was noticed."""
        return 100 * self.killed / self.mutants


class _MutantLoader(SourceFileLoader):
    def __init__(self, name: str, path: str, source: str) -> None:
        super().__init__(name, path)
        self._source = source

    def get_code(self, fullname: str) -> object:
        return compile(self._source, self.get_filename(fullname), "exec")


class _MutantFinder(MetaPathFinder):
    def __init__(self, module: str, path: Path, source: str) -> None:
        self._module, self._path, self._source = module, str(path), source

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
        if name != self._module:
            return None
        return spec_from_file_location(name, self._path, loader=_MutantLoader(name, self._path, self._source))


def files() -> list[Path]:
    """The files that are mutated."""
    found = (path for folder in FOLDERS for path in sorted((ROOT / "src/openami" / folder).glob("*.py")))
    return [path for path in found if path.name != "__init__.py"]


def survives(path: Path, mutant: Mutant) -> bool:
    """Whether no test notices `mutant` in the place of `path`."""
    tests = GUARD_TESTS if path.parent.name == "guard" else SEAL_TESTS
    child = os.fork()
    if not child:
        os._exit(_run(path, mutant, tests))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _run(path: Path, mutant: Mutant, tests: tuple[str, ...]) -> int:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS_MAX, SECONDS_MAX + 1))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    module = ".".join(path.relative_to(ROOT / "src").with_suffix("").parts)
    sys.meta_path.insert(0, _MutantFinder(module, path, mutant.source))
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    plugins = [option for name in (*PLUGINS, "no:cacheprovider") for option in ("-p", name)]
    return pytest.main(["-x", "-q", "-m", "not long", *plugins, *tests])


def score(paths: list[Path], out: Path) -> Score:
    """Try every mutant of `paths`; `out` gets a line for each."""
    for name in LIBRARIES:
        importlib.import_module(name)
    if early := [name for name in sys.modules if name.startswith(PACKAGES)]:
        raise RuntimeError(f"{early} are loaded before they are mutated")
    os.chdir(ROOT)
    tried = killed = 0
    with out.open("a", encoding="utf-8") as lines:
        for path in paths:
            source = path.read_text(encoding="utf-8")
            if not survives(path, Mutant(0, "none", source)):
                raise RuntimeError(f"{path.name}: the tests fail without any change")
            for mutant in mutants(source):
                alive = survives(path, mutant)
                told = {"file": path.name, "line": mutant.line, "change": mutant.change, "killed": not alive}
                lines.write(json.dumps(told, ensure_ascii=False) + "\n")
                lines.flush()
                tried, killed = tried + 1, killed + (not alive)
    return Score(tried, killed)


def main() -> None:
    """Score the named files, or all."""
    out, *names = sys.argv[1:]
    reached = score([path for path in files() if not names or path.name in names], Path(out))
    print(f"{reached.killed} of {reached.mutants} mutants killed: {reached.percent:.1f} %")


if __name__ == "__main__":
    main()
