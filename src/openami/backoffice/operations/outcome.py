"""How one attempt ended."""

from __future__ import annotations

from dataclasses import dataclass

from openami.backoffice.operations.cause import Cause
from openami.backoffice.operations.jobs import Claim
from openami.backoffice.operations.session_result import SessionResult


@dataclass(frozen=True, slots=True)
class Outcome:
    """`cause` None: the meter was read. `result` holds what was read in either case."""

    claim: Claim
    result: SessionResult
    cause: Cause | None
    detail: str = ""
