"""dsmr-parser, smllib and iec62056-21 in their own process: seconds for the messages on standard input."""

from __future__ import annotations

import json
import os
import statistics
import sys
import time

SAMPLES = 5


def _p1(texts):
    from dsmr_parser import telegram_specifications
    from dsmr_parser.parsers import TelegramParser

    parser = TelegramParser(telegram_specifications.V5)
    return lambda: [parser.parse(text) for text in texts]


def _sml(texts):
    from smllib import SmlStreamReader

    stream = bytes.fromhex("".join(texts))

    def work():
        reader = SmlStreamReader()
        reader.add(stream)
        while (frame := reader.get_frame()) is not None:
            frame.parse_frame()

    return work


def _iec62056_21(texts):
    from iec62056_21.messages import ReadoutDataMessage

    return lambda: [ReadoutDataMessage.from_representation(text) for text in texts]


def main() -> None:
    """`{"core": 0, "peer": "p1", "messages": […]}` in, seconds for all of them out."""
    asked = json.load(sys.stdin)
    os.sched_setaffinity(0, {asked["core"]})
    work = {"p1": _p1, "sml": _sml, "iec62056-21": _iec62056_21}[asked["peer"]](asked["messages"])
    samples = []
    for _ in range(SAMPLES):
        start = time.process_time()
        work()
        samples.append(time.process_time() - start)
    print(json.dumps({"seconds": statistics.median(samples)}))


if __name__ == "__main__":
    main()
