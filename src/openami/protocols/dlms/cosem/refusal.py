"""How a COSEM object says no to the server that asks it."""

from __future__ import annotations

from openami.model.errors import OpenAmiError
from openami.protocols.dlms.access_result import ActionResult, DataAccessResult


class Refused(OpenAmiError):
    """An attribute cannot be read or written; `result` is what goes on the wire."""

    def __init__(self, result: DataAccessResult) -> None:
        super().__init__(f"refused: {result.name}")
        self.result = result


class ActionRefused(OpenAmiError):
    """A method is not done; `result` is what goes on the wire."""

    def __init__(self, result: ActionResult) -> None:
        super().__init__(f"refused: {result.name}")
        self.result = result
