"""gurux-dlms on frames and APDUs: reads one JSON object, prints one with processor seconds for each frame.

Run by the peers' interpreter, in its own process.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable

from gurux_dlms import GXByteBuffer, GXReplyData
from gurux_dlms.enums import InterfaceType
from gurux_dlms.GXDLMS import GXDLMS
from gurux_dlms.GXDLMSClient import GXDLMSClient


def seconds_each(work: Callable[[], object], repeat: int) -> float:
    """The median of five."""
    taken = []
    for _ in range(5):
        start = time.process_time()
        for _ in range(repeat):
            work()
        taken.append((time.process_time() - start) / repeat)
    return statistics.median(taken)


def frame_seconds(frame: bytes, repeat: int) -> float:
    """One unnumbered information frame, checked and taken apart."""
    client = GXDLMSClient(True, 16, 17, interfaceType=InterfaceType.HDLC)

    def work() -> None:
        reply = GXReplyData()
        GXDLMS.getHdlcData(False, client.settings, GXByteBuffer(frame), reply, None)

    work()
    return seconds_each(work, repeat)


def main() -> None:
    """Answer the one question on standard input."""
    asked = json.loads(sys.stdin.read())
    os.sched_setaffinity(0, {asked["core"]})
    answer = [frame_seconds(bytes.fromhex(frame), asked["repeat"]) for frame in asked["frames"]]
    print(json.dumps(answer))


main()
