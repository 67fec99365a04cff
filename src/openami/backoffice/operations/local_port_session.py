"""One read-out of one meter behind a serial server at its local port: IEC 62056-21, modes A to C, at one speed."""

from __future__ import annotations

from datetime import UTC, datetime

from openami.backoffice.operations.heard_link import HeardLink
from openami.backoffice.operations.session_result import Answer, SessionResult
from openami.io.clock import Clock
from openami.io.links.link import Link
from openami.io.links.local_port import LocalPort, LocalPortError
from openami.io.links.optical import FixedLine
from openami.model.errors import LinkTimeout
from openami.model.point import Meter
from openami.protocols.iec62056_21.data_set import DataSet, encode_data_sets
from openami.protocols.iec62056_21.equipment import equipment_of
from openami.protocols.iec62056_21.measurements import measurements

FRAMING = "iec62056-21"


async def read_local_port(link: Link, meter: Meter, clock: Clock, result: SessionResult) -> None:
    """Read `meter`, whose serial number is the number that it tells, out into `result`.

    Raises `LinkTimeout` if nothing answers, `LocalPortError` if another meter does.
    """
    heard = HeardLink(link)
    port = LocalPort(FixedLine(heard), clock)
    try:
        sets = await _own_sets(port, meter.serial)
    finally:
        await port.close()
    now = datetime.fromtimestamp(clock.time(), UTC)
    note = f"IEC 62056-21 read-out, {len(sets)} data sets"
    plain = encode_data_sets(sets).encode("latin-1")
    values = tuple(measurements(sets))
    result.answers.append(Answer(now, tuple(heard.heard), plain, note, values=values, protocol=FRAMING))


async def _own_sets(port: LocalPort, number: str) -> list[DataSet]:
    """The data sets of the meter `number`: of whoever answers, then of who answers to that address.

    On a current loop all meters hear a call without an address, and on a head of its own not every meter has one.
    """
    other = ""
    for address in ("", number):
        try:
            _, sets = await port.read_out(address)
        except LinkTimeout:
            if address and not other:
                raise
            continue
        other = equipment_of(measurements(sets))
        if other == number or (address and not other):
            return sets
    raise LocalPortError(f"meter {number} does not answer; {other or 'one that tells no number'} does")
