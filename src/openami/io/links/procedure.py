"""Runs a procedure of `openami.protocols.dlms.procedure` over an associated client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from openami.io.clock import Clock
from openami.io.links.dlms import DlmsClient
from openami.model.errors import SettingError
from openami.protocols.dlms.procedure import Keep, Pause, Procedure
from openami.protocols.dlms.security import SecurityKeys

T = TypeVar("T")


async def perform(
    client: DlmsClient,
    procedure: Procedure[T],
    clock: Clock,
    *,
    keep: Callable[[SecurityKeys], None] | None = None,
) -> T:
    """The procedure's result. Raises what the procedure raises, and `LinkError` when the link fails in between.

    `keep` makes keys durable before it returns; a procedure that changes keys needs it.
    """
    answer: Any = None
    while True:
        try:
            step = procedure.send(answer)
        except StopIteration as done:
            result: T = done.value
            return result
        if isinstance(step, Keep):
            if keep is None:
                raise SettingError("the procedure changes keys, and keep, which makes them durable, is not given")
            answer = keep(step.keys)
        elif isinstance(step, Pause):
            answer = None
            await clock.sleep(step.seconds)
        else:
            answer = await client.ask(step)
