"""What meters and the back office say to each other over circuits, as anybody outside can see it: sealed bytes."""

from __future__ import annotations

from bisect import bisect_left

from openami.model.errors import ProtocolError
from openami.protocols.dlms.acse import AARE, AARQ
from openami.protocols.dlms.apdu import decode_apdu
from openami.protocols.dlms.ciphered import Ciphered, GeneralGloCiphering
from openami.protocols.dlms.security import read_header
from openami.protocols.dlms.wrapper import decode_wrapper
from openami.simulation.checkers import InvocationCounters


class Conversations:
    """Times are UTC seconds. `client` is the system title of the back office."""

    def __init__(self, counters: InvocationCounters, client: bytes) -> None:
        self._counters = counters
        self._client = client
        self._answers: dict[bytes, list[float]] = {}

    def asked(self, meter: bytes, datagram: bytes, now: float) -> None:
        """The collector sent a wrapped APDU to the meter with this system title."""
        self._watch(self._client + meter, datagram, now)

    def answered(self, meter: bytes, datagram: bytes, now: float) -> None:
        """The meter sent one to the back office."""
        self._answers.setdefault(meter, []).append(now)
        self._watch(meter, datagram, now)

    def spoke(self, meter: bytes, since: float, until: float) -> bool:
        """Whether the meter answered between the two."""
        times = self._answers.get(meter, [])
        at = bisect_left(times, since)
        return at < len(times) and times[at] <= until

    def _watch(self, who: bytes, datagram: bytes, now: float) -> None:
        try:
            apdu = decode_wrapper(datagram).apdu
            sealed = decode_apdu(apdu)
            if isinstance(sealed, AARQ | AARE) and sealed.user_information:
                sealed = decode_apdu(sealed.user_information)
            if isinstance(sealed, GeneralGloCiphering | Ciphered) and not _dedicated(sealed):
                self._counters.watch(now, who, read_header(sealed.content).invocation_counter, sealed.content)
        except ProtocolError:
            return


def _dedicated(sealed: GeneralGloCiphering | Ciphered) -> bool:
    """Such keys are of one association each: their counters may begin again."""
    return isinstance(sealed, Ciphered) and sealed.tag.name.startswith("DED")
