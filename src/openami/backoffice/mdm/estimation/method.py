"""Estimation methods as declared data: a pure function with its name, its parameters and what it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from openami.backoffice.mdm.estimation.gaps import Estimate, Gaps
from openami.backoffice.mdm.validation.rule import Parameter, Parameters, settle

Estimating = Callable[[Gaps, Parameters], Estimate]


@dataclass(frozen=True, slots=True)
class Method:
    """`estimate` answers for each piece whether it is able, and what; its docstring has definition and source."""

    name: str
    estimate: Estimating
    needs: tuple[str, ...]
    parameters: tuple[Parameter, ...]

    @property
    def definition(self) -> str:
        """What the method does and where it comes from."""
        return " ".join((self.estimate.__doc__ or "").split())

    def settled(self, given: Parameters) -> Parameters:
        """All parameters: those given, and defaults. Raises `SettingError` for one that the method does not have."""
        return settle(f"method {self.name}", self.parameters, given)


class Methods:
    """Methods by name, in the order of their declaration."""

    def __init__(self) -> None:
        self._methods: dict[str, Method] = {}

    def method(self, *needs: str, **parameters: tuple[int, str]) -> Callable[[Estimating], Estimating]:
        """Declare the decorated function as a method under its own name; parameters are (default, meaning)."""

        def declare(estimate: Estimating) -> Estimating:
            name = getattr(estimate, "__name__", "")
            assert name not in self._methods, f"method {name} is declared twice"
            declared = tuple(Parameter(key, default, meaning) for key, (default, meaning) in parameters.items())
            self._methods[name] = Method(name, estimate, needs, declared)
            return estimate

        return declare

    def all(self) -> tuple[Method, ...]:
        return tuple(self._methods.values())
