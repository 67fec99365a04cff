"""Rules as declared data: a pure function with its name, its parameters and the columns that it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from openami.backoffice.mdm.validation.columns import Columns, Found
from openami.model.errors import SettingError

Parameters = Mapping[str, int]
Judge = Callable[[Columns, Parameters], Found]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A whole number that a rule or a method takes: its default, and what it means (with its unit)."""

    name: str
    default: int
    meaning: str


@dataclass(frozen=True, slots=True)
class Rule:
    """`judge` answers where something is wrong; its docstring has definition and source. `needs` are columns."""

    name: str
    judge: Judge
    needs: tuple[str, ...]
    parameters: tuple[Parameter, ...]

    @property
    def definition(self) -> str:
        """What the rule says and where it comes from."""
        return " ".join((self.judge.__doc__ or "").split())

    def settled(self, given: Parameters) -> Parameters:
        """All parameters: those given, and defaults. Raises `SettingError` for one that the rule does not have."""
        return settle(f"rule {self.name}", self.parameters, given)


def settle(what: str, parameters: tuple[Parameter, ...], given: Parameters) -> Parameters:
    """Defaults with what is given in their place. Raises `SettingError` for a name that is not there."""
    known = {parameter.name: parameter.default for parameter in parameters}
    if unknown := [name for name in given if name not in known]:
        raise SettingError(f"{what} has no parameter {unknown[0]!r}; it has {', '.join(known) or 'none'}")
    return MappingProxyType(known | dict(given))


class Catalogue:
    """Rules by name, in the order of their declaration."""

    def __init__(self) -> None:
        self._rules: dict[str, Rule] = {}

    def rule(self, *needs: str, **parameters: tuple[int, str]) -> Callable[[Judge], Judge]:
        """Declare the decorated function as a rule under its own name; parameters are (default, meaning)."""

        def declare(judge: Judge) -> Judge:
            name = getattr(judge, "__name__", "")
            assert name not in self._rules, f"rule {name} is declared twice"
            declared = tuple(Parameter(key, default, meaning) for key, (default, meaning) in parameters.items())
            self._rules[name] = Rule(name, judge, needs, declared)
            return judge

        return declare

    def all(self) -> tuple[Rule, ...]:
        return tuple(self._rules.values())
