"""How authority and guard are asked: as parts of this process, or over the network as processes of their own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol, TypeVar

from msgspec import Struct

from openami.io.blocking import Blocking
from openami.io.clock import Clock
from openami.io.links.asking import ANSWER_TIMEOUT_S, ask
from openami.io.links.link import Link
from openami.model.errors import ConnectFailed, LinkError, SecurityError
from openami.protocols.zones.inner_message import decode_inner_answer
from openami.protocols.zones.log_message import Refused

_Answer = TypeVar("_Answer")
MEANING: Final = {
    "authority": "nobody can ask for or approve a critical command; reading goes on",
    "guard": "no critical command is sealed, and approved ones wait; reading goes on",
    "operations": "no meter is read on demand and no command is brought to one; what is stored is shown",
}
"""What it means for people that a part does not answer."""


class Asked(Protocol):
    """A part that is asked: one request, one answer."""

    async def __call__(self, request: Struct, expected: type[_Answer] | tuple[type[_Answer], ...]) -> _Answer:
        """Raises `SecurityError` with its words if the part refuses, `LinkError` if it does not answer."""
        ...


def within(answer: Callable[[Any], Struct], blocking: Blocking) -> Asked:
    """A part of this process."""

    async def put(request: Struct, expected: type[_Answer] | tuple[type[_Answer], ...]) -> _Answer:
        given = await blocking(answer, request)
        if isinstance(given, Refused):
            raise SecurityError(given.detail)
        assert isinstance(given, expected)
        return given

    return put


def over(
    part: str,
    connect: Callable[[], Awaitable[Link]],
    clock: Clock,
    decode: Callable[[bytes], Struct] = decode_inner_answer,
    timeout_s: float = ANSWER_TIMEOUT_S,
) -> Asked:
    """A process of its own; the words of a `LinkError` say what its silence means."""

    async def put(request: Struct, expected: type[_Answer] | tuple[type[_Answer], ...]) -> _Answer:
        try:
            return await ask(connect, request, expected, clock, timeout_s, decode)
        except LinkError as error:
            raise ConnectFailed(f"the {part} does not answer, so {MEANING[part]} ({error})") from error

    return put
