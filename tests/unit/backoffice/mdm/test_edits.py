"""Edits by persons: who may do what, what holds, and that nothing is ever overwritten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from openami.backoffice.mdm.edits import Editor, EditState
from openami.backoffice.mdm.judge import Judge
from openami.backoffice.mdm.tables import edited_block
from openami.backoffice.registry.registry import NotRegistered
from openami.model.errors import Conflict, SettingError
from openami.model.quality import Quality

START = datetime(2026, 2, 10, tzinfo=UTC)  # as the house
NOW = START + timedelta(days=3)


@pytest.fixture
def day(house):
    house.mdm.take_profile([house.reading(0, 97)])
    return house


def held(house):
    series = Judge(house.store, house.registry).validated(house.point, 1, START, START + timedelta(hours=1))
    return series.values.tolist(), series.quality.tolist()


def proposed(editor, house, values=(7,), quarter=1):
    return editor.propose(house.point, 1, START + timedelta(minutes=15 * quarter), values, "why", "ann", NOW)


def test_an_edit_holds_and_is_undone_as_a_new_version(day):
    editor = Editor(day.store, day.registry, four_eyes=False)
    before = held(day)
    edit = proposed(editor, day)
    assert edit.state is EditState.APPLIED
    assert held(day)[0] == [100, 7, 100, 100]
    assert held(day)[1][1] == Quality.ESTIMATED
    editor.undo(day.point, edit.number, "was right", "ben", NOW)
    assert held(day) == before
    with day.store.reading() as connection:
        assert [row.version for row in connection.execute(select(edited_block))] == [1, 2]
    assert [step.state for step in editor.edits(day.point)[0].steps] == [
        "proposed",
        "applied",
        "undo proposed",
        "undone",
    ]


def test_two_persons_are_needed(day):
    editor = Editor(day.store, day.registry, four_eyes=True)
    edit = proposed(editor, day)
    assert held(day)[0] == [100] * 4
    with pytest.raises(Conflict, match="somebody else"):
        editor.confirm(day.point, edit.number, "ann", NOW)
    editor.confirm(day.point, edit.number, "ben", NOW)
    assert held(day)[0] == [100, 7, 100, 100]
    editor.undo(day.point, edit.number, "was right", "ben", NOW)
    assert held(day)[0] == [100, 7, 100, 100]
    with pytest.raises(Conflict, match="somebody else"):
        editor.confirm(day.point, edit.number, "ben", NOW)
    editor.confirm(day.point, edit.number, "ann", NOW)
    assert held(day)[0] == [100] * 4


def test_a_refused_undo_leaves_the_edit(day):
    editor = Editor(day.store, day.registry, four_eyes=True)
    edit = proposed(editor, day)
    editor.confirm(day.point, edit.number, "ben", NOW)
    editor.undo(day.point, edit.number, "perhaps wrong", "ben", NOW)
    editor.refuse(day.point, edit.number, "it is right", "ann", NOW)
    assert held(day)[0] == [100, 7, 100, 100]


def test_an_edit_over_midnight_and_what_came_later(day):
    editor = Editor(day.store, day.registry, four_eyes=False)
    proposed(editor, day, [1, 2, 3, 4], 94)
    day.mdm.take_profile([day.reading(97, 96)])
    start = START + timedelta(minutes=15 * 94)
    series = Judge(day.store, day.registry).validated(day.point, 1, start, start + timedelta(minutes=75))
    assert series.values.tolist() == [1, 2, 3, 4, 100]


def test_what_cannot_be_an_edit_is_refused(day):
    editor = Editor(day.store, day.registry, four_eyes=False)
    with pytest.raises(SettingError, match="no beginning"):
        editor.propose(day.point, 1, START + timedelta(minutes=7), [1], "why", "ann", NOW)
    with pytest.raises(SettingError, match="who makes it and why"):
        editor.propose(day.point, 1, START, [1], " ", "ann", NOW)
    with pytest.raises(SettingError, match="1 to"):
        editor.propose(day.point, 1, START, [], "why", "ann", NOW)
    with pytest.raises(NotRegistered, match="no edit 9"):
        editor.undo(day.point, 9, "why", "ann", NOW)
    edit = proposed(editor, day)
    with pytest.raises(Conflict, match="nothing waits"):
        editor.confirm(day.point, edit.number, "ben", NOW)


def test_an_explanation_names_the_edit(day):
    editor = Editor(day.store, day.registry, four_eyes=False)
    proposed(editor, day)
    told = Judge(day.store, day.registry).explain(day.point, 1, START + timedelta(minutes=20))
    assert (told.measured, told.value, told.quality, told.edited) == (100, 7, Quality.ESTIMATED, True)
    assert [edit.steps[0].person for edit in told.edits] == ["ann"]
    assert Judge(day.store, day.registry).explain(day.point, 1, START).edits == ()


def test_bill_and_consumption_rest_on_what_holds(day):
    proposed(Editor(day.store, day.registry, four_eyes=False), day)
    bill = day.mdm.bill(day.point, START, START + timedelta(days=1))
    assert (bill.interval_energy_wh, bill.register_energy_wh, bill.edited) == (9_507, 9_600, 1)
    assert (bill.estimated, bill.estimated_energy_wh) == (1, 7)
