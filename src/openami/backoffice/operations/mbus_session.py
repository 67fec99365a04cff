"""One read of one wired M-Bus meter behind a serial server: selected by its secondary address, read to the end."""

from __future__ import annotations

from datetime import UTC, datetime

from openami.backoffice.operations.heard_link import HeardLink
from openami.backoffice.operations.session_result import Answer, SessionResult
from openami.io.clock import Clock
from openami.io.links.link import Link
from openami.io.links.mbus import MbusMaster
from openami.model.point import Meter
from openami.protocols.mbus.measurements import of_application
from openami.protocols.mbus.wired.selection import Selection
from openami.protocols.mbus.wireless.address import MeterAddress

FRAMING = "mbus"


async def read_mbus(link: Link, meter: Meter, clock: Clock, result: SessionResult) -> None:
    """Read `meter`, whose system title is its secondary address as the link layer orders it, into `result`.

    Raises `LinkTimeout` if it does not answer.
    """
    heard = HeardLink(link)
    address = MeterAddress.from_link(meter.system_title)
    selection = Selection(address.identification, address.manufacturer, address.version, address.device_type)
    applications = await MbusMaster(heard, clock).read(selection)
    now = datetime.fromtimestamp(clock.time(), UTC)
    values = tuple(value for application in applications for value in of_application(application))
    plain = b"".join(application.data for application in applications)
    note = f"M-Bus read-out, {len(applications)} telegrams"
    result.answers.append(Answer(now, tuple(heard.heard), plain, note, values=values, protocol=FRAMING))
