"""The casebook: every folder beside this file is a case that a metering expert can read.

`story.txt` tells it, `when/*.csv` is what happened, `later/*.csv` what happened after that, `then/*.csv` what must be
answered. Each case is also taken with what arrived in reverse order and twice over, which must change nothing.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import stores
from casebook import Case
from casebook_answers import answers

FOLDERS = sorted(path.parent for path in Path(__file__).parent.glob("*/story.txt"))
CASES = [pytest.param(folder, id=folder.name) for folder in FOLDERS]

ORDERS = {
    "as it arrived": lambda arrivals: arrivals,
    "backwards": lambda arrivals: arrivals[::-1],
    "twice": lambda arrivals: arrivals + arrivals[::-1],
}


WAYS = [("sqlite", order) for order in ORDERS] + [("postgresql", "as it arrived")]


@pytest.mark.parametrize(("kind", "order"), WAYS)
@pytest.mark.parametrize("folder", CASES)
def test_case(folder, kind, order):
    with stores.opened(kind) as store:
        _play(Case.of(folder, store), order, folder)


def _play(case, order, folder):
    case.play(ORDERS[order])
    found = answers(case)
    assert found, "a case without answers tests nothing"
    for name, (wanted, told) in found.items():
        assert told == wanted, f"{folder.name}/then/{name}.csv"


def test_the_casebook_is_there():
    assert len(FOLDERS) >= 100
