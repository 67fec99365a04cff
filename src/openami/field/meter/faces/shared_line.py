"""A line with several meters: who speaks there unasked talks over somebody else."""

from __future__ import annotations

from openami.protocols.dlms.framing import Framing, FramingEvent

WAITING_MAX = 16


class TakingTurns:
    """`framing` as it is, except that what is told unasked waits for the next poll, and then goes before the answer.

    At most 16 APDUs wait; the newest are kept. What was meant for a primary that has gone is lost with it.
    """

    def __init__(self, framing: Framing) -> None:
        self.max_apdu = framing.max_apdu
        self._framing = framing
        self._waiting: list[tuple[bytes, int | None]] = []
        self.connect = framing.connect
        self.disconnect = framing.disconnect
        self.receive = framing.receive
        self.next_timeout = framing.next_timeout
        self.handle_timeout = framing.handle_timeout
        self.closed = framing.closed

    def next_event(self) -> FramingEvent | None:
        """The oldest event that was not taken yet."""
        return self._framing.next_event()

    def send(self, apdu: bytes, now: float, *, destination: int | None = None, unconfirmed: bool = False) -> None:
        """Queue an answer, or keep what is told unasked until it is our turn."""
        if unconfirmed:
            self._waiting = [*self._waiting[1 - WAITING_MAX :], (apdu, destination)]
        else:
            self._framing.send(apdu, now, destination=destination)

    def data_to_send(self, now: float) -> bytes:
        """A secondary has bytes for the line when it was polled: then the others go too."""
        answer = self._framing.data_to_send(now)
        if not answer or not self._waiting:
            return answer
        for apdu, destination in self._waiting:
            self._framing.send(apdu, now, destination=destination, unconfirmed=True)
        self._waiting = []
        return self._framing.data_to_send(now) + answer
