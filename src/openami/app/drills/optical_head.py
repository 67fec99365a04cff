"""Whoever stands before the meter with an optical head and time: guesses passwords, resets what was counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from openami.app.drills.conversation import Conversation, client
from openami.app.drills.drill import Removal, drill, stands
from openami.app.drills.world import START, Meter
from openami.field.meter import codes
from openami.field.meter.access import PUBLIC, READING
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.faces.local_ports import IDENTIFICATION, ReadoutPort
from openami.model.event import EventCode
from openami.model.obis import ObisCode
from openami.protocols.dlms.association import AssociationSettings
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.client_settings import ClientSettings
from openami.protocols.dlms.cosem.access_rights import AccessRights
from openami.protocols.dlms.data import encode_data, integer
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor, CosemMethodDescriptor
from openami.protocols.dlms.security import Secret, SecurityControl
from openami.protocols.iec62056_21.message import ACK, Command, encode_command
from openami.protocols.iec62056_21.tariff_device import DeviceSettings, TariffDevice
from openami.protocols.wire.lockout import PAUSE_MAX_S, Lockout

LOCAL: Final = "local port"
FOUR_DIGITS: Final = "0735"
_SIGN_ON: Final = b"/?!\r\n"
_PROGRAMMING: Final = b"\x06051\r\n"
_RESETS: Final = {
    codes.MAXIMUM_DEMAND: (4, 2),
    codes.DEMAND: (5, 3),
    codes.LOAD_PROFILE: (7, 2),
    codes.DAILY_BILLING: (7, 2),
    codes.EVENT_LOG: (7, 2),
}
"""What a reset would change: class and attribute of objects whose first method is one."""


class StillClock:
    """It is always the moment that the drill says."""

    now: float = START

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(f"nobody waits {seconds} s in a drill")


class Port:
    """The read-out port of a meter, with somebody's head on it."""

    def __init__(self, meter: ElectricityMeter) -> None:
        self.clock = StillClock()
        self._face = ReadoutPort(meter, self.clock)
        self._lockout = Lockout()

    def say(self, *commands: Command) -> list[bytes]:
        """What a new conversation answers to each command in programming mode."""
        settings = DeviceSettings(IDENTIFICATION, list, passwords={"1": FOUR_DIGITS})
        device, answers = TariffDevice(settings, self._lockout), []
        for octets in (_SIGN_ON, _PROGRAMMING, *map(encode_command, commands)):
            device.receive(octets, self.clock.now)
            answer = device.data_to_send(self.clock.now)
            while (event := device.next_event()) is not None:
                self._face.notice(event)
                answer += device.data_to_send(self.clock.now)
            answers.append(answer)
        return answers[2:]

    def opens(self, password: str) -> bool:
        """Whether a password is taken."""
        return self.say(Command("P", "1", f"({password})")) == [ACK]


@drill("A029", LOCAL, Removal(Lockout, "wrong", lambda _self, _now: False))
def all_passwords_of_four_digits_are_tried() -> None:
    """A guess every eight seconds for a day, at a device that has such passwords."""
    device = Meter(0).device
    port = Port(device)
    for number in range(10_000):
        port.clock.now = START + 8.0 * number
        stands(not port.opens(f"{number:04d}"), f"the password was found after {8 * number} seconds")
    stands(device.last_event == EventCode.AUTHENTICATION_FAILED, "nobody was told of the guessing")
    port.clock.now += PAUSE_MAX_S
    stands(port.opens(FOUR_DIGITS), "whoever knows the password is locked out for good")


@drill("A029", LOCAL, Removal(Lockout, "wrong", lambda _self, _now: False))
def passwords_are_tried_over_dlms() -> None:
    """Only meters for laboratories have a client that proves itself by a password."""
    association = AssociationSettings(Authentication.LLS, password=Secret(FOUR_DIGITS.encode()))
    target = Conversation(_guessing("0000"), association)
    for guess in ("1234", "0000", "9999", FOUR_DIGITS):
        asking = Conversation(_guessing(guess), association)
        asking.associate()
        target.arrive("meter", asking.sent["client"][0])
        stands(not target.meter.associations, f"password {guess} was found by trying")


def _guessing(password: str) -> ClientSettings:
    secret = Secret(password.encode())
    unprotected = SecurityControl.NONE
    return client(authentication=Authentication.LLS, password=secret, protection=unprotected, keys=None)


@dataclass(frozen=True)
class _As:
    """Somebody associated as the client `client_sap`."""

    client_sap: int


@drill("A031", LOCAL, Removal(AccessRights, "may_invoke", lambda *_: True))
def what_was_counted_is_reset() -> None:
    """Maxima, demands, profiles and the event log, as everybody and as a reader with keys."""
    device = Meter(0).device
    device.advance(START + 3 * 86_400)
    now = START + 3 * 86_400 + 1
    device.log(EventCode.COVER_OPENED, now)
    before = {name: _shown(device, name, now) for name in _RESETS}
    for name, (class_id, _) in _RESETS.items():
        for sap in (PUBLIC, READING):
            device.action(_As(sap), CosemMethodDescriptor(class_id, name, 1), encode_data(integer(0)), now)
        stands(_shown(device, name, now) == before[name], f"{name} was reset at the local port")


def _shown(device: ElectricityMeter, name: ObisCode, now: float) -> object:
    class_id, attribute = _RESETS[name]
    return device.get(_As(READING), CosemAttributeDescriptor(class_id, name, attribute), None, now)


@drill("A031", LOCAL, Removal(TariffDevice, "_refuse", lambda self, _command, _error: self._send(ACK)))
def a_reset_is_written_at_the_read_out_port() -> None:
    device = Meter(0).device
    port = Port(device)
    for command in (Command("W", "1", "C.1.0(1)"), Command("E", "2", "0.1.0(1)"), Command("W", "5", "0.9.1(0)")):
        (answer,) = port.say(command)
        stands(ACK not in answer, f"{command.letter}{command.type} was taken")
        stands(device.last_event == EventCode.AUTHENTICATION_FAILED, "the log does not tell of it")
