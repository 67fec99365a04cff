"""A meter that is not what it should be: bytes that promise more than there is, or go on in themselves."""

from __future__ import annotations

import tracemalloc

from openami.app.drills.drill import Fallen, Removal, drill, ignored, stands
from openami.model.errors import DecodeError
from openami.protocols.dlms import data_decoder
from openami.protocols.dlms.data import decode_data
from openami.protocols.wire.cursor import Cursor

ROGUE = "rogue meter"


def _take_short(self: Cursor, count: int) -> bytes:
    """Without the check of what is left."""
    start, self.position = self.position, min(self.position + count, self.end)
    return self.data[start : self.position]


@drill("A001", ROGUE, Removal(Cursor, "take", _take_short))
def data_that_promises_more_than_there_is() -> None:
    for raw in ("0901", "090affff", "0a05aa", "0900ff", "06000000"):
        try:
            decode_data(bytes.fromhex(raw))
        except DecodeError:
            continue
        raise Fallen(f"{raw} was taken for a value")


@drill("A002", ROGUE, Removal(data_decoder, "_values", lambda _description: 0))
def a_few_bytes_claim_very_many_elements() -> None:
    tracemalloc.start()
    try:
        decode_data(bytes.fromhex("1301ffff000100"))
    except DecodeError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    stands(peak < 1 << 20, f"seven bytes took {peak} bytes of memory")


@drill("A003", ROGUE, Removal(Cursor, "enter", ignored))
def structures_in_structures() -> None:
    try:
        decode_data(bytes.fromhex("0201") * 10_000 + b"\x00")
    except DecodeError:
        return
    except RecursionError:
        pass
    raise Fallen("ten thousand levels were followed")
