"""The body of our meters' event pushes: what a push setup's push_object_list makes of an event."""

from __future__ import annotations

from typing import Annotated

from openami.model.obis import ObisCode
from openami.protocols.dlms.cosem.types import (
    DATE_TIME_OCTETS,
    LOGICAL_NAME,
    OCTET_STRING,
    UNSIGNED,
    cosem_structure,
    structure_type,
)
from openami.protocols.dlms.date_time import CosemDateTime


@cosem_structure
class EventPush:
    """Push setup, logical device name, the meter's clock, event code (`openami.model.event.EventCode`)."""

    push_setup: Annotated[ObisCode, LOGICAL_NAME]
    logical_device_name: Annotated[bytes, OCTET_STRING]
    time: Annotated[CosemDateTime, DATE_TIME_OCTETS]
    event_code: Annotated[int, UNSIGNED]


EVENT_PUSH = structure_type(EventPush)
"""`EVENT_PUSH.from_data(decode_data(notification.notification_body))` reads a push."""
