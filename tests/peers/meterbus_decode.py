"""pyMeterBus in its own process: seconds that it takes for frames, given as JSON on standard input."""

from __future__ import annotations

import json
import os
import statistics
import sys
import time

import meterbus

SAMPLES = 5


def main() -> None:
    """`{"core": 0, "frames": ["68…"]}` in; seconds for all frames and how many it could not read out."""
    asked = json.load(sys.stdin)
    os.sched_setaffinity(0, {asked["core"]})
    frames, refused = [], 0
    for text in asked["frames"]:
        try:
            meterbus.load(bytes.fromhex(text)).to_JSON()
        except Exception:
            refused += 1
        else:
            frames.append(bytes.fromhex(text))
    samples = []
    for _ in range(SAMPLES):
        start = time.process_time()
        for frame in frames:
            meterbus.load(frame).to_JSON()
        samples.append(time.process_time() - start)
    print(json.dumps({"seconds": statistics.median(samples), "read": len(frames), "refused": refused}))


if __name__ == "__main__":
    main()
