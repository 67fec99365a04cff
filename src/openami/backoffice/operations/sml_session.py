"""One read of one SML meter behind a serial server whose port hears too: the list that it shows is asked for."""

from __future__ import annotations

from datetime import UTC, datetime

from openami.backoffice.operations.heard_link import HeardLink
from openami.backoffice.operations.session_result import Answer, SessionResult
from openami.io.clock import Clock
from openami.io.links.link import Link
from openami.io.links.sml_port import SmlRefused, ask
from openami.model.point import Meter
from openami.protocols.sml.conversation import list_requests
from openami.protocols.sml.file import encode_file
from openami.protocols.sml.measurements import measurements
from openami.protocols.sml.telegram import server_of
from openami.protocols.sml.transport import encode_transport

FRAMING = "sml"
CLIENT = b"openami"


async def read_sml(link: Link, meter: Meter, clock: Clock, result: SessionResult) -> None:
    """Ask `meter`, whose serial number is its server id in hexadecimal, for its list, into `result`.

    Raises `LinkTimeout` if nothing answers, `SmlRefused` if another meter does, or if it says no.
    """
    heard = HeardLink(link)
    transaction = int(clock.time() * 1000).to_bytes(8, "big")
    file = await ask(heard, list_requests(CLIENT, transaction), transaction)
    told = server_of(file)
    if told != meter.serial:
        raise SmlRefused(f"meter {meter.serial} does not answer; {told or 'one that tells no number'} does")
    now = datetime.fromtimestamp(clock.time(), UTC)
    values = tuple(measurements(file))
    note = f"SML list, {len(values)} values"
    plain = encode_transport(encode_file(file))
    result.answers.append(Answer(now, tuple(heard.heard), plain, note, values=values, protocol=FRAMING))
