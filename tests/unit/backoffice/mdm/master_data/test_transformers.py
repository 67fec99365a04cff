"""Ratios of instrument transformers in registry files: what is told, corrected, refused and written again."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest

from openami.backoffice.mdm.judge import Judge
from openami.backoffice.mdm.master_data.exporter import write_registry
from openami.backoffice.mdm.master_data.importer import RegistryImport
from openami.backoffice.mdm.master_data.per_quantity import told
from openami.backoffice.mdm.master_data.transformers import factor_of
from openami.backoffice.mdm.mdm import Mdm
from openami.backoffice.registry.facts import FactKind
from openami.backoffice.registry.registry import Registry
from openami.backoffice.registry.timeline import Timeline
from openami.model.errors import SettingError
from openami.model.obis import ObisCode
from openami.model.point import Channel, ChannelKind
from openami.model.unit import Unit

KNOWN = datetime(2026, 3, 1, tzinfo=UTC)
IMPORT, EXPORT = "1-0:1.8.0*255", "1-0:2.8.0*255"
HEADER = "record,point,address,zone,channel,obis,kind,unit,scaler,multiplier,start,end,opening,correction\n"
POINT = (
    "point,P1,1 Mill Lane,Europe/Berlin,,,,,,,,,,\n"
    f"channel,P1,,,1,{IMPORT},interval-energy,Wh,,40,,,,\n"
    f"channel,P1,,,2,{EXPORT},interval-energy,Wh,,40,,,,\n"
)


def ratio(obis, multiplier, start, end="", *, opening="", correction="", scaler=""):
    begin, after = (f"2026-02-{day}T00:00+00:00" if day else "" for day in (start, end))
    return f"ratio,P1,,,,{obis},,,{scaler},{multiplier},{begin},{after},{opening},{correction}\n"


def take(store, *lines, at=KNOWN):
    registry = Registry(store)
    mdm = Mdm(store, registry)
    return RegistryImport(store, mdm, registry, at).run(io.StringIO(HEADER + "".join(lines), newline=""))


def ratios(store, known=None):
    """Per quantity the multipliers with the days of February from and to which they hold."""
    found = told(Timeline(store).history(FactKind.RATIO, [1], known))
    return [(each.obis, each.value, each.start.day, each.end.day if each.end else None) for each in found]


def ordered(store, known=None):
    return sorted(ratios(store, known), key=lambda each: each[:3])


def test_each_quantity_has_its_own_times(store):
    report = take(store, POINT, ratio(IMPORT, 80, 10), ratio(EXPORT, 20, 12, 20), ratio(EXPORT, 60, 20))
    assert report.rejected == []
    assert ordered(store) == [(IMPORT, 80, 10, None), (EXPORT, 20, 12, 20), (EXPORT, 60, 20, None)]


def test_the_same_again_changes_nothing_and_the_end_may_be_told_later(store):
    lines = ratio(IMPORT, 80, 10), ratio(EXPORT, 20, 12)
    take(store, POINT, *lines)
    assert (again := take(store, *lines)).changed == 0
    assert again.rejected == []
    assert take(store, ratio(IMPORT, 80, 10, 15), at=KNOWN + timedelta(days=1)).changed == 1
    assert take(store, *lines, at=KNOWN + timedelta(days=2)).changed == 0, "an end that is known stays known"
    assert ordered(store) == [(IMPORT, 80, 10, 15), (EXPORT, 20, 12, None)]
    assert ordered(store, KNOWN) == [(IMPORT, 80, 10, None), (EXPORT, 20, 12, None)]


def test_a_correction_leaves_other_quantities_and_what_was_known(store):
    take(store, POINT, ratio(IMPORT, 80, 10), ratio(EXPORT, 20, 10))
    later = KNOWN + timedelta(days=1)
    (refused,) = take(store, ratio(IMPORT, 60, 12), at=later).rejected
    assert "tell a correction" in refused.reason
    assert take(store, ratio(IMPORT, 60, 12, 14, correction="yes"), at=later).changed == 1
    held = [(IMPORT, 60, 12, 14), (IMPORT, 80, 10, 12), (IMPORT, 80, 14, None), (EXPORT, 20, 10, None)]
    assert ordered(store) == held
    assert ordered(store, KNOWN) == [(IMPORT, 80, 10, None), (EXPORT, 20, 10, None)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (ratio("1-0:3.8.0*255", 80, 10), "no channel for"),
        (ratio(IMPORT, "2.5", 10), "no whole number"),
        (ratio(IMPORT, "", 10), "multiplier is empty"),
        (ratio(IMPORT, 0, 10), "is not a multiplier"),
        (ratio(IMPORT, 80, 20, 10), "is not after start"),
        (ratio(IMPORT, 80, 10, opening=f"{IMPORT}=5"), "no meter hung"),
        (ratio(IMPORT, 80, 10, correction="no"), "is not yes"),
        (ratio(IMPORT, 80, 10).replace("T00:00+", "T00:00:00.5+"), "no whole second"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_of_it_stays(store, line, reason):
    take(store, POINT)
    (refused,) = take(store, line).rejected
    assert reason in refused.reason
    assert ratios(store) == []


def test_written_and_taken_again(store):
    take(store, POINT, ratio(IMPORT, 80, 10, 12), ratio(EXPORT, 20, 11), ratio(IMPORT, "2.0", 12, scaler=1))
    out = io.StringIO()
    write_registry(Registry(store), Timeline(store), out)
    registry = Registry(store)
    again = RegistryImport(store, Mdm(store, registry), registry, KNOWN).run(io.StringIO(out.getvalue(), newline=""))
    assert (again.changed, again.rejected) == (0, [])


@pytest.mark.parametrize(
    ("scaler", "multiplier", "shown", "factor"),
    [(0, (40, 0), 0, 40), (-1, (25, -1), 0, 25), (0, (25, -1), 1, 25), (2, (100, 0), 0, 1), (-3, (1, 0), 0, 1_000)],
)
def test_a_factor_is_in_the_channels_scale(scaler, multiplier, shown, factor):
    channel = Channel(1, 1, ObisCode.parse(IMPORT), ChannelKind.INTERVAL_ENERGY, Unit.WATT_HOUR, scaler, 900)
    assert factor_of([channel], IMPORT, multiplier, shown) == factor


def test_channels_of_two_scalers_have_no_common_factor():
    channels = [
        Channel(1, number, ObisCode.parse(IMPORT), ChannelKind.INTERVAL_ENERGY, Unit.WATT_HOUR, number, 900)
        for number in (1, 2)
    ]
    with pytest.raises(SettingError, match="different scalers"):
        factor_of(channels, IMPORT, (40, 0), 0)


def test_an_explanation_tells_the_multiplier_of_its_time(store):
    take(store, POINT, ratio(IMPORT, 80, 10))
    judge = Judge(store, Registry(store))
    assert [judge.explain(1, 1, datetime(2026, 2, day, tzinfo=UTC)).multiplier for day in (9, 10)] == [40, 80]
    assert judge.explain(1, 2, datetime(2026, 2, 10, tzinfo=UTC)).multiplier == 40


def test_contracts_are_corrected_too(store):
    header = "record,point,address,zone,contract,supplier,start,correction\n"
    lines = "point,P1,1 Mill Lane,Europe/Berlin,,,,\n", "contract,P1,,,C1,One,2026-02-01T00:00+00:00,\n"
    wrong = "contract,P1,,,C1,Two,2026-02-01T00:00+00:00,{}\n"
    registry = Registry(store)
    taking = RegistryImport(store, Mdm(store, registry), registry, KNOWN)
    text = header + "".join(lines) + wrong.format("") + wrong.format("yes")
    report = taking.run(io.StringIO(text, newline=""))
    assert [(one.line, "overlaps" in one.reason) for one in report.rejected] == [(4, True)]
    held = Timeline(store).at(FactKind.CONTRACT, 1, KNOWN)
    assert held is not None
    assert held.content["supplier"] == "Two"
