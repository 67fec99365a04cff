"""What a client does with an exception-response: follow to the invocation counter that the server expects, or fail."""

from __future__ import annotations

from openami.protocols.dlms.axdr import hyphenated
from openami.protocols.dlms.client_association_control import ClientAssociationControl
from openami.protocols.dlms.client_protection import ClientProtection
from openami.protocols.dlms.client_request import ClientState, RequestUnderWay
from openami.protocols.dlms.client_settings import ClientSettings
from openami.protocols.dlms.counters import Persist, SendCounter
from openami.protocols.dlms.errors import ServiceFailed
from openami.protocols.dlms.exception import ExceptionResponse
from openami.protocols.dlms.resynchronisation import CounterQuarantined, quarantine_name


class ClientResynchronisation:
    """How far one client has followed in this session; why not further says `openami.protocols.dlms.resynchronisation`.

    `quarantine` is the value kept under `quarantine_name`.
    """

    __slots__ = ("_control", "_jumped", "_protection", "_quarantine", "_request", "_retried", "_settings")

    def __init__(
        self,
        settings: ClientSettings,
        request: RequestUnderWay,
        protection: ClientProtection,
        control: ClientAssociationControl,
        quarantine: int,
    ) -> None:
        self._settings = settings
        self._request = request
        self._protection = protection
        self._control = control
        self._quarantine = quarantine
        self._jumped = 0
        self._retried = False

    def begin(self) -> None:
        """A new request, which may be repeated once; raises `CounterQuarantined` while nothing may be sent."""
        if self._quarantine & 1:
            name, most = self._settings.send_counter_name, self._settings.counter_jump_max
            raise CounterQuarantined(name, None, None, most)
        self._retried = False

    def take_exception(self, apdu: ExceptionResponse, now: float) -> None:
        """The server refuses: repeat the request if its counter is all that is wrong, else the request fails."""
        expected, sending = apdu.invocation_counter, self._protection.sending
        if expected is None or sending is None or self._protection.channel is None or self._retried:
            self._request.fail(_failed(apdu))
            return
        jump = expected - sending.upcoming
        if jump <= 0:
            self._request.fail(_failed(apdu))
        elif self._jumped + jump > self._settings.counter_jump_max:
            self._enter_quarantine(expected, sending.upcoming)
        else:
            self._follow(sending, expected)
            self._send_again(now)

    def _enter_quarantine(self, expected: int, own: int) -> None:
        settings = self._settings
        self._quarantine += 1
        self._protection.persist(Persist(quarantine_name(settings), self._quarantine))
        self._request.state = ClientState.CLOSED
        self._request.fail(CounterQuarantined(settings.send_counter_name, expected, own, settings.counter_jump_max))

    def _follow(self, sending: SendCounter, expected: int) -> None:
        self._jumped += expected - sending.upcoming
        self._retried = True
        sending.advance(expected)

    def _send_again(self, now: float) -> None:
        """The same request once more, with a number that the server accepts."""
        request, protection, control = self._request, self._protection, self._control
        if request.state is ClientState.ASSOCIATING:
            protection.with_numbers(control.send_aarq, now)
        elif request.state is ClientState.AUTHENTICATING:
            protection.with_numbers(control.send_pass_3, now)
        elif request.state is ClientState.RELEASING:
            protection.with_numbers(control.send_rlrq, now)
        else:
            request.outgoing = request.last
            protection.with_numbers(protection.send_outgoing, now)


def _failed(apdu: ExceptionResponse) -> ServiceFailed:
    what = f"{hyphenated(apdu.state_error)}, {hyphenated(apdu.service_error)}"
    return ServiceFailed(what, invocation_counter=apdu.invocation_counter)
