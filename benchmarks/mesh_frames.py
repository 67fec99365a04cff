"""What a frame costs a station: overheard, received under the group key, forwarded, and a whole formation.

    python benchmarks/mesh_frames.py

Microseconds of process time per frame, one core; the medium is the tests' ether, which has no collisions.
"""

# ruff: noqa: SLF001 - a benchmark looks inside
from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from mesh_ether import Ether, name
from openami.protocols.mesh.frame import DATA

ROUNDS = 2000
PAYLOAD = bytes(160)


def cost_us(action: Callable[[int], None], rounds: int = ROUNDS) -> float:
    """Process time of one call."""
    start = time.process_time()
    for number in range(rounds):
        action(number)
    return (time.process_time() - start) / rounds * 1e6


def main() -> None:
    ether = Ether()
    ether.line(4)
    ether.run(300, ether.all_joined)
    ether.run(60)
    ether.keep = True
    root, last = ether.nodes[name(0)], ether.nodes[name(3)]
    for _ in range(ROUNDS):
        last.send(root.address, PAYLOAD, ether.now)
        ether.settle(last)
        ether.run(2)
    frames = [psdu for _, sender, psdu in ether.log if sender == name(3) and psdu[0] & 7 == DATA and len(psdu) > 160]
    stranger = Ether().add(9)
    stranger.start(0.0)
    print(f"overheard: {cost_us(lambda _: stranger.receive(frames[0], 0.0, rssi_dbm=-60)):.2f} us")
    relay, root = ether.nodes[name(2)], ether.nodes[name(0)]
    relay._link.security._seen.clear()
    now = ether.now

    def forward(number: int) -> None:
        relay.receive(frames[number], now, rssi_dbm=-60)
        relay.next_transmission(now)
        relay.transmitted(now, clear=True)
        due = relay._mac.due
        relay.next_transmission(due)
        relay.transmitted(due, clear=True)
        relay._mac.acknowledged(relay._mac._sequence, due)
        relay.next_timeout()
        while relay.next_event() is not None:
            pass

    count = min(len(frames), ROUNDS)
    relay._link.counter.persisted(1 << 30)
    before = relay.airtime_s
    print(f"forwarded: {cost_us(forward, count):.1f} us (received, acknowledged, sent on, acknowledged)")
    assert relay.airtime_s - before > count * ether.parameters.airtime_s(len(PAYLOAD)), "some were not sent on"
    to_root = [psdu for _, sender, psdu in ether.log if sender == name(1) and psdu[0] & 7 == DATA and len(psdu) > 160]
    root._link.security._seen.clear()

    def take(number: int) -> None:
        root.receive(to_root[number], now, rssi_dbm=-60)
        root.next_transmission(now)
        root.transmitted(now, clear=True)
        root.next_timeout()
        while root.next_event() is not None:
            pass

    print(f"received: {cost_us(take, min(len(to_root), ROUNDS)):.1f} us (opened, delivered, acknowledged)")


if __name__ == "__main__":
    main()
