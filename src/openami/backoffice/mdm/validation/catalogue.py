"""The whole catalogue of validation rules, in the order in which they run: delivery, intervals, days."""

from __future__ import annotations

from openami.backoffice.mdm.validation.day_rules import DAYS
from openami.backoffice.mdm.validation.delivery_rules import DELIVERY
from openami.backoffice.mdm.validation.interval_rules import INTERVALS
from openami.backoffice.mdm.validation.rule import Rule
from openami.model.errors import SettingError

CATALOGUE = {rule.name: rule for part in (DELIVERY, INTERVALS, DAYS) for rule in part.all()}


def rule_named(name: str) -> Rule:
    """The rule `name`; raises `SettingError` if there is none."""
    if name not in CATALOGUE:
        raise SettingError(f"there is no validation rule {name!r}; there are {', '.join(CATALOGUE)}")
    return CATALOGUE[name]
