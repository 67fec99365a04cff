"""Works on the store that are killed on the way: run by `tests/unit/backoffice/mdm/test_killed.py`.

    python kill_points.py WORK FOLDER STEPS

Plays WORK (a key of `WORKS`) on a copy of FOLDER/WORK.sqlite per number in STEPS (comma-separated), each in a fork of
its own that is killed after so many times so many instructions of SQLite's virtual machine (0: never). Prints per copy
whether it was killed, and how many steps it took.
"""

from __future__ import annotations

import io
import os
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import event

import intake_child
from closing_fleet import day_of, moment, reading, register_fleet, registers, step_of
from intake_child import BATCHES, Killer
from openami.backoffice.mdm.billing import runs
from openami.backoffice.mdm.billing.runs import Billing
from openami.backoffice.mdm.close.close import Close
from openami.backoffice.mdm.interfaces import importing
from openami.backoffice.mdm.interfaces.importing import Importer
from openami.backoffice.mdm.master_data import importer
from openami.backoffice.mdm.master_data.importer import RegistryImport
from openami.backoffice.mdm.mdm import Mdm
from openami.backoffice.registry.registry import Registry
from openami.io.store.engine import Store
from openami.model.interval import DAY_S

POINTS, LAST = 4, 3
NOW = datetime(2026, 3, 1, tzinfo=UTC)
PLAN = '[[plan]]\nname = "p"\nregister = "all"\ntiers_wh = [10]\ndemand_window_s = 3600\n'


def take_batches(store: Store) -> None:
    """Readings of meters, as a campaign brings them."""
    mdm = Mdm(store, Registry(store))
    for batch in range(len(BATCHES)):
        intake_child.take(store, mdm, batch)


def prepare_close(store: Store) -> None:
    mdm = register_fleet(store, POINTS)
    for day in range(LAST + 1):
        arriving = [part for point in range(1, POINTS + 1) for part in _day(point, day)]
        mdm.take_profile(arriving)
        if day == LAST - 1:
            Close(store, points_at_once=2).close(day_of(day), moment(day + 1, 7))


def close(store: Store) -> None:
    Close(store, points_at_once=2).close(day_of(LAST), moment(LAST + 1, 7))


def _day(point: int, day: int) -> list:
    """Point 1 lacks hours of each day; point 2's day before the last comes late, with the last one."""
    per_day, values, known = DAY_S // step_of(point), registers(point, LAST + 1), moment(day + 1, 1)
    first, last = day * per_day + bool(day), (day + 1) * per_day
    if point == 1:
        return [reading(1, first, first + 9, values, known), reading(1, first + 13, last, values, known)]
    if point == 2 and day == LAST - 1:
        return []
    return [reading(point, first - per_day * (point == 2 and day == LAST), last, values, known)]


def import_registry(store: Store) -> None:
    importer.LINES_AT_ONCE = 7
    registry = Registry(store)
    RegistryImport(store, Mdm(store, registry), registry, NOW).run(f"{line}\n" for line in _registry_lines())


def _registry_lines():
    """A file of a few points, with an exchange at each, and a line that is rejected."""
    yield (
        "record,point,address,zone,meter,system_title,guarantee,channel,obis,kind,unit,start,end,opening,closing,"
        "consumer,resolution_s"
    )
    yield "point,P0,,Europe/Berlin" + "," * 13
    since, at = "2026-01-01T00:00+01:00", "2026-02-01T00:00+01:00"
    for number in (1, 2, 3):
        old, new = f"O{number}", f"N{number}"
        yield f"point,P{number},{number} High Street,Europe/Berlin" + "," * 13
        for meter, title in ((old, 2 * number), (new, 2 * number + 1)):
            yield f"meter,,,,{meter},{title:02x},2" + "," * 10
        yield f"channel,P{number},,,,,,1,1-0:1.8.0*255,interval-energy,Wh,,,,,,3600"
        yield f"installation,P{number},,,{old},,,,,,,{since},{at},1-0:1.8.0*255=0,1-0:1.8.0*255=500,,"
        yield f"installation,P{number},,,{new},,,,,,,{at},,1-0:1.8.0*255=3,,,"
        yield f"supply,P{number},,,,,,,,,,{since},,,,Ann {number},"


def prepare_bill(store: Store) -> None:
    prepare_close(store)
    close(store)
    Billing(store, Registry(store)).store_plans(PLAN, NOW)


def bill(store: Store) -> None:
    runs.POINTS_AT_ONCE = 1
    Billing(store, Registry(store)).run("p", day_of(1), day_of(LAST), NOW)


def import_file(store: Store) -> None:
    """A file of another party, a day of a point per commit; some of it is told twice, some is refused."""
    importing.BATCH_VALUES = 24
    registry = Registry(store)
    work = Importer(store, registry, Mdm(store, registry), NOW)
    work.run("market", "nem12", lambda: io.BytesIO(_market_file().encode()), lambda _: None)


def _market_file() -> str:
    lines = ["100,NEM12,202602210000,A,B"]
    for number in (1, 2, 9):
        lines.append(f"200,P{number},E1,E1,E1,N1,,kWh,60,")
        for day in ("20260110", "20260131", "20260201", "20260110"):
            values = ",".join([f"0.{number}"] * 24)
            lines.append(f"300,{day},{values},A,,,20260221000000,")
    return "\r\n".join([*lines, "900\r\n"])


@dataclass(frozen=True)
class Work:
    """What is there before, what is killed and done again, a table that it fills; `step` instructions of SQLite's
    virtual machine lie between two places where it may be killed.
    """

    prepare: Callable[[Store], None]
    play: Callable[[Store], None]
    fills: str
    step: int


WORKS = {
    "readings": Work(intake_child.register, take_batches, "interval_block", 20),
    "file": Work(import_registry, import_file, "interval_block", 2),
    "close": Work(prepare_close, close, "judged_block", 2),
    "registry": Work(lambda _: None, import_registry, "registry_fact", 5),
    "bill": Work(prepare_bill, bill, "billing_result", 1),
}


def prepare(work: str, url: str) -> None:
    store = Store(url)
    store.upgrade()
    WORKS[work].prepare(store)
    store.close()


def again(work: str, url: str) -> None:
    store = Store(url)
    WORKS[work].play(store)
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
    event.listen(store._engine, "connect", lambda raw, _: raw.set_progress_handler(killer.step, WORKS[work].step))
    try:
        WORKS[work].play(store)
        Path(url.removeprefix("sqlite:///")).with_suffix(".steps").write_text(str(killer.steps))
    finally:
        os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
