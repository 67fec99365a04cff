"""A server that expects a higher invocation counter: how far a client follows, and when a person must look.

The answer that says so (an exception-response) is not authenticated. Whoever stands between could say it to burn the
counter space, so a client follows by a bounded jump in each session. Beyond that the meter is quarantined: nothing is
sent to it until a person has read the counter in another way (in an association with HLS under other keys, or at the
meter) and calls `resynchronise`.
"""

from __future__ import annotations

from openami.model.errors import SecurityError
from openami.protocols.dlms.client_settings import ClientSettings
from openami.protocols.dlms.counters import COUNTER_END, Counters


class CounterQuarantined(SecurityError):
    """The server claims a counter that is too far ahead of ours; nothing more is sent until it is released."""

    def __init__(self, name: str, expected: int | None, own: int | None, jump_max: int) -> None:
        claim = "" if expected is None else f": the server claims to expect {expected}, we are at {own}"
        super().__init__(
            f"invocation counter {name} is quarantined{claim}. A jump of more than {jump_max} is not believed, because "
            "that answer is not authenticated. Read the counter under HLS with other keys, or at the meter, then "
            "resynchronise"
        )
        self.expected = expected


def quarantine_name(settings: ClientSettings) -> str:
    """The name under which it is kept whether the counter is quarantined: an odd value says yes."""
    return f"{settings.send_counter_name}/quarantine"


def resynchronise(counters: Counters, settings: ClientSettings, expected: int) -> None:
    """Go on from `expected`, which somebody vouches for, and release the quarantine. Never goes backwards."""
    if not 0 <= expected < COUNTER_END:
        raise SecurityError(f"invocation counter {expected} cannot be: 0 to {COUNTER_END - 1} are possible")
    name, quarantine = settings.send_counter_name, quarantine_name(settings)
    if expected > counters.load(name):
        counters.save(name, expected)
    if (value := counters.load(quarantine)) & 1:
        counters.save(quarantine, value + 1)
