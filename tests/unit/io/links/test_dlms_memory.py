"""What an idle association costs its client: ten thousand of them fit into a small machine."""

from __future__ import annotations

import gc
import tracemalloc

from dlms_pair import CLIENT_TITLE, SERVER_TITLE, Pair, client_settings
from openami.io.clock import SystemClock
from openami.io.links.dlms import DlmsClient
from openami.io.links.memory import memory_pair
from openami.protocols.dlms.counters import MemoryCounters
from openami.protocols.dlms.framing import Role
from openami.protocols.dlms.wrapper import WrapperFraming

ASSOCIATIONS = 50
LIMIT = 8_000


def idle_client():
    """A client whose core has associated with HLS 5 and suite 0, as a pair in memory has it; settings of its own."""
    settings = client_settings()
    pair = Pair(settings)
    assert settings.system_title == CLIENT_TITLE
    assert settings.server_system_title == SERVER_TITLE
    pair.associate()
    pair.client_events.clear()
    link, _ = memory_pair()
    framing = WrapperFraming(Role.CLIENT, settings.client_sap, settings.server_sap)
    made = DlmsClient(link, framing, settings, clock=SystemClock(), random=bytes, counters=MemoryCounters())
    pair.client._control._random = bytes
    pair.client._control.proposal._random = bytes
    made._core = made._driver._core = pair.client
    made._driver._link = made._link = None
    return made


def test_an_idle_association_takes_less_than_8_kb():
    idle_client()
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        kept = [idle_client() for _ in range(ASSOCIATIONS)]
        gc.collect()
        each = (tracemalloc.get_traced_memory()[0] - before) / len(kept)
    finally:
        tracemalloc.stop()
    assert each < LIMIT
