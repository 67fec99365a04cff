"""A meter in security mode 13 and a gateway that reads it, over frames in memory."""

from __future__ import annotations

import pytest

from openami.field.meter.daily_flow import DailyFlow
from openami.field.meter.pipe_meter import PipeMeter, PipeMeterConfig
from openami.field.meter.wireless_meter import WirelessSettings
from openami.field.meter.wireless_tls_meter import WirelessTlsMeter
from openami.protocols.mbus.wireless.address import MeterAddress
from openami.protocols.mbus.wireless.frame_format import FrameFormat, encode_frame
from openami.protocols.mbus.wireless.tls_reading import TlsReading

START = 1_767_225_600
GATEWAY = MeterAddress.parse("OAM.00000001.01.31")
METER = "meter.openami.localhost"


class Air:
    """One meter and one gateway, in step: `accept` and `begin` make their ends of TLS.

    `lose` says which of the frames to the meter are lost.
    """

    def __init__(self, accept, begin, *, command=b"", lose=()):
        self.device = PipeMeter(PipeMeterConfig(), DailyFlow(START))
        self.meter = WirelessTlsMeter(self.device, WirelessSettings(), accept, START + 86_400.0)
        self.reading = TlsReading(GATEWAY, self.device.address, begin, command=command)
        self.lose = set(lose)
        self.frames = []

    def meet(self, steps=200):
        """The meter speaks, and both talk until nobody has anything to say."""
        now = self.meter.next_timeout()
        self.meter.handle_timeout(now)
        for _ in range(steps):
            heard = self.meter.data_to_send()
            if not heard:
                return
            for frame in heard:
                self.frames.append(frame)
                said = self.reading.receive(frame)
                if said is not None:
                    self.frames.append(said)
                    if len(self.frames) not in self.lose:
                        self.meter.receive(encode_frame(said, FrameFormat.A), now)
        pytest.fail(f"{steps} steps and no end")
