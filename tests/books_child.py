"""Registry imports and billing runs that are killed on the way: run by `test_killed_books.py`.

    python books_child.py WORK FOLDER STEPS

Plays WORK (`registry` or `bill`) on a copy of FOLDER/WORK.sqlite per number in STEPS (comma-separated), each in a fork
of its own that is killed after so many times STEP instructions of SQLite's virtual machine (0: never).
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from datetime import UTC, date, datetime
from pathlib import Path

from sqlalchemy import event

from intake_child import Killer
from openami.backoffice.mdm.billing import runs
from openami.backoffice.mdm.billing.runs import Billing
from openami.backoffice.mdm.master_data import importer
from openami.backoffice.mdm.master_data.importer import RegistryImport
from openami.backoffice.mdm.mdm import Mdm
from openami.backoffice.registry.registry import Registry
from openami.io.store.engine import Store

STEP = 20
NOW = datetime(2026, 3, 1, tzinfo=UTC)
POINTS = 3
PLAN = '[[plan]]\nname = "p"\nregister = "all"\ntiers_wh = [10]\ndemand_window_s = 3600\n'


def lines():
    """A file of a few points, with an exchange at each, and a line that is rejected."""
    yield (
        "record,point,address,zone,meter,system_title,guarantee,channel,obis,kind,unit,start,end,opening,closing,"
        "consumer"
    )
    yield "point,P0,,Europe/Berlin" + "," * 12
    since, at = "2026-01-01T00:00+01:00", "2026-02-01T00:00+01:00"
    for number in range(1, POINTS + 1):
        old, new = f"O{number}", f"N{number}"
        yield f"point,P{number},{number} High Street,Europe/Berlin" + "," * 12
        for meter, title in ((old, 2 * number), (new, 2 * number + 1)):
            yield f"meter,,,,{meter},{title:02x},2" + "," * 9
        yield f"channel,P{number},,,,,,1,1-0:1.8.0*255,interval-energy,Wh,,,,,"
        yield f"installation,P{number},,,{old},,,,,,,{since},{at},1-0:1.8.0*255=0,1-0:1.8.0*255=500,"
        yield f"installation,P{number},,,{new},,,,,,,{at},,1-0:1.8.0*255=3,,"
        yield f"supply,P{number},,,,,,,,,,{since},,,,Ann {number}"


def prepare(work: str, url: str) -> None:
    """What is there before."""
    store = Store(url)
    store.upgrade()
    if work == "bill":
        play("registry", store)
        Billing(store, Registry(store)).store_plans(PLAN, NOW)
    store.close()


def play(work: str, store: Store) -> None:
    """What is killed, and what is done again: in many small commits."""
    importer.LINES_AT_ONCE = 7
    runs.POINTS_AT_ONCE = 2
    registry = Registry(store)
    if work == "registry":
        RegistryImport(store, Mdm(store, registry), registry, NOW).run(f"{line}\n" for line in lines())
    else:
        Billing(store, registry).run("p", date(2026, 1, 1), date(2026, 2, 1), NOW)


def again(work: str, url: str) -> None:
    store = Store(url)
    play(work, store)
    store.close()


def main(work: str, folder: str, steps: str) -> None:
    for number in steps.split(","):
        copy = Path(folder) / f"{work}-{number}.sqlite"
        shutil.copy(Path(folder) / f"{work}.sqlite", copy)
        if (child := os.fork()) == 0:
            _killed(work, f"sqlite:///{copy}", int(number))
        status = os.waitpid(child, 0)[1]
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        counted = copy.with_suffix(".steps")
        sys.stdout.write(f"{number} {int(killed)} {counted.read_text() if counted.exists() else status}\n")


def _killed(work: str, url: str, number: int) -> None:
    store, killer = Store(url), Killer(f"step:{number}" if number else "never")
    event.listen(store._engine, "connect", lambda raw, _: raw.set_progress_handler(killer.step, STEP))
    try:
        play(work, store)
        Path(url.removeprefix("sqlite:///")).with_suffix(".steps").write_text(str(killer.steps))
    finally:
        os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
