"""What operations answers to pages that are a process of their own."""

from __future__ import annotations

from openami.backoffice.operations.alert_pipeline import Incident
from openami.backoffice.operations.key_orders import KeyOrders
from openami.backoffice.operations.live import LiveReading
from openami.backoffice.operations.operations import Operations
from openami.model.errors import OpenAmiError
from openami.protocols.zones.log_message import Refused
from openami.protocols.zones.message import AskCollectors, AskRoutes
from openami.protocols.zones.operations_message import (
    METERS_MAX,
    AskIncidents,
    Deliver,
    IncidentIs,
    Incidents,
    KeyOrder,
    KeysAre,
    LiveValue,
    LiveValues,
    MeterReport,
    OperationsAnswer,
    OperationsRequest,
    OrderKeys,
    ProveKeys,
    ReadNow,
)

INCIDENTS_MAX = 500
_DETAIL_MAX = 500


class OperationsAnswers:
    """Each request is one thing that the pages may do beyond looking at what is stored."""

    def __init__(self, operations: Operations, keys: KeyOrders) -> None:
        self._operations = operations
        self._keys = keys

    async def answer(self, request: OperationsRequest) -> OperationsAnswer:
        """The answer to one request; why something could not be done is an answer too."""
        try:
            return await self._answer(request)
        except OpenAmiError as error:
            return Refused(str(error)[:_DETAIL_MAX])

    async def _answer(self, request: OperationsRequest) -> OperationsAnswer:
        match request:
            case ReadNow():
                return _values(await self._operations.read_now(request.meter))
            case Deliver():
                report = await self._operations.deliver(request.meter, request.envelope)
                return MeterReport(report.counter, report.stage, report.at, report.contact)
            case OrderKeys():
                return KeyOrder(await self._keys.order(request.meter))
            case ProveKeys():
                return KeysAre(await self._keys.prove(request.meter))
            case _:
                return await self._told(request)

    async def _told(self, request: AskIncidents | AskCollectors | AskRoutes) -> OperationsAnswer:
        if isinstance(request, AskIncidents):
            found = self._operations.incidents()
            return Incidents(len(found), [_incident(one) for one in found[:INCIDENTS_MAX]])
        if isinstance(request, AskCollectors):
            return await self._operations.headend.collectors()
        return await self._operations.headend.routes(request.collector)


def _values(live: LiveReading) -> LiveValues:
    values = [LiveValue(str(code), name, *quantity[:2], quantity.unit.value) for code, name, quantity in live.values]
    return LiveValues(live.at.timestamp(), values, live.evidence)


def _incident(one: Incident) -> IncidentIs:
    meters = list(one.meters)[:METERS_MAX]
    return IncidentIs(one.cause, one.code, one.first, one.last, one.alerts, meters, one.paged)
