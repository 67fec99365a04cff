"""Confirmed datagrams at the end that receives: held until somebody says that they are safe, bounded."""

from __future__ import annotations

from openami.protocols.mesh.confirmed import REMEMBERED, SOURCES_MAX, Arrived, Confirmed
from openami.protocols.mesh.link_time import LinkTime
from openami.protocols.mesh.parameters import MeshParameters

SOURCE = bytes(15) + b"\x01"


class End:
    def __init__(self):
        self.sent = []
        self.core = Confirmed(
            MeshParameters(), bytes, lambda to, payload, _now: self.sent.append((to, payload)), LinkTime(), int
        )

    def comes(self, number, source=SOURCE):
        return self.core.receive(source, b"\x01" + number.to_bytes(4, "big") + b"\x0f\xdbpush", 0.0)


def confirmation(number):
    return (SOURCE, b"\x02" + number.to_bytes(4, "big"))


def test_nothing_is_said_until_it_is_safe_and_then_at_each_repetition():
    end = End()
    assert end.comes(7) == Arrived(7, 4059, b"push")
    assert end.comes(7) is None
    assert end.sent == []
    end.core.confirm(SOURCE, 7, 0.0)
    assert end.comes(7) is None
    assert end.sent == [confirmation(7)] * 2


def test_what_was_refused_is_new_again():
    end = End()
    end.comes(7)
    end.core.refuse(SOURCE, 7)
    assert end.comes(7) == Arrived(7, 4059, b"push")
    end.core.refuse(SOURCE, 8)
    end.core.refuse(bytes(16), 7)
    assert end.sent == []


def test_what_is_held_is_bounded():
    end = End()
    for number in range(REMEMBERED + 1):
        end.comes(number)
    assert end.core._held[SOURCE] == set(range(1, REMEMBERED + 1))
    assert end.comes(0) == Arrived(0, 4059, b"push"), "forgotten, so taken anew"
    for other in range(SOURCES_MAX):
        end.comes(1, b"\xfd" + bytes(11) + other.to_bytes(4, "big"))
    assert len(end.core._held) == len(end.core._seen) == SOURCES_MAX
