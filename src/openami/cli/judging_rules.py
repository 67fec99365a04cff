"""The rules that judge and the methods that estimate: listed, chosen for classes of channels, scored."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from openami.app.installation import Installation
from openami.app.settings import SETTINGS_FILE
from openami.backoffice.mdm.validation.rule import Parameter
from openami.cli.output import JsonOption, print_note, print_rows
from openami.cli.up import SettingsOption
from openami.model.errors import SettingError


def rules(*, as_json: JsonOption = False) -> None:
    """List the validation rules: what each says, what it needs, and its parameters with their defaults."""
    from openami.backoffice.mdm.validation.catalogue import CATALOGUE

    rows = [
        (rule.name, ", ".join(rule.needs), _parameters(rule.parameters), rule.definition) for rule in CATALOGUE.values()
    ]
    print_rows("Validation rules", ("Rule", "Needs", "Parameters", "Definition"), rows, as_json=as_json)


def methods(*, as_json: JsonOption = False) -> None:
    """List the estimation methods: what each does, what it needs, and its parameters with their defaults."""
    from openami.backoffice.mdm.estimation.fallback import METHODS

    rows = [
        (method.name, ", ".join(method.needs), _parameters(method.parameters), method.definition)
        for method in METHODS.values()
    ]
    print_rows("Estimation methods", ("Method", "Needs", "Parameters", "Definition"), rows, as_json=as_json)


def rulesets(
    file: Annotated[Path | None, typer.Argument(help="TOML file of rule sets to store; none: show what holds.")] = None,
    *,
    settings: SettingsOption = Path(SETTINGS_FILE),
    as_json: JsonOption = False,
) -> None:
    """Store rule sets: which rules and methods judge a class of channels from one day to another.

    A set of a name that is there becomes its next version. Days that no stored set covers are judged by the defaults.
    """
    from openami.backoffice.mdm.stored_rules import parse_rule_sets, store_rule_sets, stored_rule_sets

    written = [] if file is None else parse_rule_sets(file.read_text(encoding="utf-8"))
    store = Installation.load(settings).open_store()
    try:
        with store.transaction() as connection:
            changed = store_rule_sets(connection, written, datetime.now(UTC))
            held = stored_rule_sets(connection).all()
    finally:
        store.close()
    if file is not None:
        print_note(f"{changed} of {len(written)} rule sets stored")
    rows = [
        (one.name, str(one.channel_class), one.start.isoformat(), one.end.isoformat() if one.end else "", len(one.uses))
        for one in held
    ]
    print_rows("Stored rule sets", ("Name", "Class", "From", "Until", "Rules"), rows, as_json=as_json)


def score(
    file: Annotated[
        Path | None,
        typer.Argument(help="Load curves to take instead of the package's: CSV of household, begin (ISO 8601), kWh."),
    ] = None,
    *,
    seed: Annotated[int, typer.Option(help="Chooses the days that are spoilt and the gaps.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Score rules and methods against the truth: real load curves, spoilt in known ways.

    Precision and recall of each rule by days; errors of each method by length of gap, in percent of the true energy.
    """
    from openami.app.mdm_curves import curves_of, shipped_curves
    from openami.app.mdm_score import score_methods, score_rules

    there = list(shipped_curves() if file is None else curves_of(file))
    if not there:
        raise SettingError(f"{file} has no household with 60 whole days without a gap")
    days = sum(len(curve.energy) for curve in there)
    print_note(f"{len(there)} households, {days} days; this takes about a minute for three")
    judged = [(one.fault, one.rule, one.precision, one.recall, one.n) for one in score_rules(there, seed)]
    print_rows("Rules", ("Fault", "Rule", "Precision", "Recall", "N"), judged, as_json=as_json)
    estimated = [
        (one.method, "yes" if one.registers else "no", one.gap_h, one.mae, one.bias, one.sum_error, one.n)
        for one in score_methods(there, seed)
    ]
    columns = ("Method", "Registers", "Gap", "MAE", "Bias", "Sum error", "N")
    print_rows("Methods (gap in hours, errors in % of the true energy)", columns, estimated, as_json=as_json)


def _parameters(parameters: Iterable[Parameter]) -> str:
    return "; ".join(f"{one.name} = {one.default}: {one.meaning}" for one in parameters)
