"""InformationReport: variables that a meter with short names sends unasked."""

from __future__ import annotations

from typing import Annotated

from openami.protocols.dlms.axdr import sequence_of
from openami.protocols.dlms.date_time import CosemDateTime
from openami.protocols.dlms.notification import EVENT_TIME
from openami.protocols.dlms.raw_data import RAW_DATA
from openami.protocols.dlms.short_name import SPECIFICATION, VariableAccessSpecification
from openami.protocols.wire.declared import declared


@declared
class InformationReportRequest:
    """One value for each variable, in their order, and perhaps when they were taken.

    The time is read as in EventNotification, twelve octets behind their length (the clause was not at hand).
    """

    current_time: Annotated[CosemDateTime | None, EVENT_TIME]
    variable_access_specification: Annotated[tuple[VariableAccessSpecification, ...], sequence_of(SPECIFICATION)]
    list_of_data: Annotated[tuple[bytes, ...], sequence_of(RAW_DATA)]
