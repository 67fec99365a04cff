"""Runs a procedure of `openami.protocols.dlms.procedure` over an associated client."""

from __future__ import annotations

from typing import Any, TypeVar

from openami.io.clock import Clock
from openami.io.links.dlms import DlmsClient
from openami.protocols.dlms.procedure import Pause, Procedure

T = TypeVar("T")


async def perform(client: DlmsClient, procedure: Procedure[T], clock: Clock) -> T:
    """The procedure's result. Raises what the procedure raises, and `LinkError` when the link fails in between."""
    answer: Any = None
    while True:
        try:
            step = procedure.send(answer)
        except StopIteration as done:
            result: T = done.value
            return result
        if isinstance(step, Pause):
            answer = None
            await clock.sleep(step.seconds)
        else:
            answer = await client.ask(step)
