"""The small parts of the mesh, each by itself."""

from __future__ import annotations

import random
from math import inf

import pytest

from mesh_ether import Store, name
from openami.model.errors import DecodeError, LimitExceeded, SecurityError, SettingError
from openami.protocols.mesh import ipv6
from openami.protocols.mesh.address import address_of, eui64_of, link_local
from openami.protocols.mesh.allowance import Allowance
from openami.protocols.mesh.duty import DutyCycle
from openami.protocols.mesh.events import Persist
from openami.protocols.mesh.fragment import PER_SENDER_MAX, Reassembly, fragments
from openami.protocols.mesh.frame import BROADCAST, DATA, decode_frame, encode_ack, encode_header
from openami.protocols.mesh.frame_counter import COUNTER_END, FrameCounter
from openami.protocols.mesh.join_messages import JoinRequest, decode_request, make_request
from openami.protocols.mesh.join_relay import JoinRelay
from openami.protocols.mesh.link_security import LinkSecurity, Replayed, UnknownKey, key_index
from openami.protocols.mesh.lollipop import following, newer
from openami.protocols.mesh.neighbours import LINK_METRIC_MAX, Climate, Neighbour, Neighbours
from openami.protocols.mesh.parameters import PREFIX, MeshParameters, NodeSettings
from openami.protocols.mesh.routes import Routes
from openami.protocols.mesh.rpl_messages import INFINITE_RANK
from openami.protocols.mesh.rpl_packet import SourceRoute, advance, decode_source_route, encode_source_route
from openami.protocols.mesh.trickle import Trickle


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (241, 240, True),
        (240, 241, False),
        (0, 255, True),
        (255, 0, False),
        (5, 240, False),
        (1, 0, True),
        (0, 127, True),
    ],
)
def test_lollipop_counters(left, right, expected):
    assert newer(left, right) is expected
    assert not newer(left, left)


def test_lollipop_counters_go_from_the_straight_part_to_the_circle():
    assert [following(240), following(255), following(126), following(127)] == [241, 0, 127, 0]


def test_trickle_doubles_and_stays_silent_when_others_have_spoken():
    timer = Trickle(4.0, 2, 1, random.Random(1).randbytes)
    timer.start(0.0)
    assert 2.0 <= timer.due <= 4.0
    assert timer.act(timer.due)
    assert timer.due == 4.0
    assert not timer.act(4.0)
    assert 8.0 <= timer.due <= 12.0, "the interval has doubled"
    timer.consistent()
    assert not timer.act(timer.due)
    timer.act(timer.due)
    timer.reset(20.0)
    due = timer.due
    assert 22.0 <= due <= 24.0
    timer.reset(20.5)
    assert timer.due == due, "nobody can hurry the shortest interval"
    timer.stop()
    assert timer.due == inf


def test_an_hour_is_never_too_long_on_the_air():
    cycle, now, sent = DutyCycle(0.01), 0.0, []
    while now < 10_000:
        wait_s = cycle.wait_s(0.5, now)
        if wait_s:
            now += wait_s
            continue
        cycle.spend(0.5, now)
        sent.append(now)
        now += 1.0
    for start in sent:
        assert sum(0.5 for at in sent if start <= at < start + 3600) <= 36.0
    assert len(sent) > 140


def test_an_allowance_bounds_what_anybody_asks_for():
    allowance = Allowance(0.5, 2)
    assert [allowance.take(at) for at in (0.0, 0.0, 0.0, 1.9, 2.1, 2.1)] == [True, True, False, False, True, False]


def test_frame_counters_are_used_within_what_is_durable():
    counter = FrameCounter("f", Store(), 4)
    assert counter.take() is None
    event = counter.reservation()
    assert event == Persist("f", 4)
    assert counter.reservation() is None, "asked for once"
    counter.persisted(4)
    assert [counter.take() for _ in range(5)] == [0, 1, 2, 3, None]
    assert counter.reservation() == Persist("f", 8)
    counter.persisted(8)
    counter.skip_to(100)
    assert counter.take() is None
    assert counter.reservation() == Persist("f", 104)
    counter.persisted(104)
    assert counter.take() == 100


def test_frame_counters_end_before_they_repeat():
    store = Store()
    store.save("f", COUNTER_END - 1)
    counter = FrameCounter("f", store, 4)
    counter.persisted(counter.reservation().value)
    assert counter.take() == COUNTER_END - 1
    assert counter.take() is None
    assert counter.exhausted
    assert counter.reservation() is None


def secured(security: LinkSecurity, counter: int) -> bytes:
    header = encode_header(DATA, counter & 0xFF, 1, name(2), name(1), secured=True, ack_request=True)
    return security.protect(header, b"content", counter)


def test_link_security_takes_each_frame_once_and_nothing_that_was_touched():
    sender, receiver = LinkSecurity(name(1)), LinkSecurity(name(2))
    for each in (sender, receiver):
        each.add(1, bytes(16))
        each.switch(1)
    psdu = secured(sender, 5)
    for bit in range(8 * len(psdu)):
        touched = bytearray(psdu)
        touched[bit // 8] ^= 1 << bit % 8
        try:
            frame = decode_frame(bytes(touched))
        except DecodeError:
            continue
        if frame.secured:
            with pytest.raises(SecurityError):
                receiver.open(frame)
    assert receiver.last_counter(name(1)) == -1
    assert receiver.open(decode_frame(psdu)) == b"content"
    with pytest.raises(Replayed) as error:
        receiver.open(decode_frame(psdu))
    assert error.value.again
    with pytest.raises(Replayed) as error:
        receiver.open(decode_frame(secured(sender, 4)))
    assert not error.value.again
    sender.add(2, b"2" * 16)
    sender.switch(2)
    with pytest.raises(UnknownKey):
        receiver.open(decode_frame(secured(sender, 6)))


def test_key_indices_go_round_and_old_keys_are_dropped():
    assert [key_index(epoch) for epoch in (1, 255, 256)] == [1, 255, 1]
    security = LinkSecurity(name(1))
    for epoch in (1, 2, 3):
        security.add(epoch, bytes((epoch,)) * 16)
    security.switch(2)
    security.drop_other_keys()
    assert sorted(security._ciphers) == [2, 3]


def test_headers_of_all_address_modes():
    for destination in (b"", BROADCAST, name(2)):
        for source in (b"", name(1)):
            if destination or source:
                header = encode_header(DATA, 1, 0x1234, destination, source, secured=False, ack_request=False)
                frame = decode_frame(header + b"x")
                assert (frame.destination, frame.source, frame.content) == (destination, source, b"x")
                assert frame.pan_id == 0x1234
    assert decode_frame(encode_ack(9)).sequence == 9


@pytest.mark.parametrize("bad", ["", "0000", "070000", "0130ff", "0104ff"])
def test_what_is_no_frame_is_refused(bad):
    with pytest.raises(DecodeError):
        decode_frame(bytes.fromhex(bad))


def put_together(pieces: list[bytes], packet: bytes, used: int, headers: bytes) -> bytes | None:
    reassembly, whole = Reassembly(10.0), None
    for piece in pieces:
        found = reassembly.add(name(1), piece, 0.0, lambda first, _: packet[:used] + first[len(headers) :])
        whole = found or whole
    return whole


@pytest.mark.parametrize("size", [200, 301, 1280])
@pytest.mark.parametrize("space", [80, 100, 240])
def test_fragments_come_together_in_any_order(size, space):
    packet, headers, used = random.Random(size).randbytes(size), b"\x7ahead", 48
    pieces = fragments(headers, used, packet, space, 7)
    assert len(pieces) > 1 or len(headers) + size - used <= space
    assert all(len(piece) <= space for piece in pieces)
    if len(pieces) == 1:
        return
    for order in (pieces, pieces[::-1], [*pieces[:2], *pieces[1:]]):
        assert put_together(order, packet, used, headers) == packet
    assert put_together(pieces[:-1], packet, used, headers) is None


def test_reassembly_is_bounded_in_number_and_time():
    reassembly = Reassembly(10.0)
    for tag in range(100):
        piece = (0xE000 | 400).to_bytes(2, "big") + tag.to_bytes(2, "big") + b"\x01" + bytes(8)
        assert reassembly.add(name(tag % 50), piece, 0.0, lambda first, _: first) is None
    assert len(reassembly._partial) <= 8
    assert PER_SENDER_MAX < 8
    assert reassembly.due == 10.0
    assert reassembly.act(10.0) == 8
    assert reassembly.due == inf
    with pytest.raises(LimitExceeded):
        fragments(b"", 0, bytes(1281), 100, 1)


def test_a_source_route_is_walked_and_never_comes_back():
    stations = [address_of(name(number), PREFIX) for number in range(1, 5)]
    header = encode_source_route(SourceRoute(3, stations[1:]))
    packet = ipv6.Packet(address_of(name(0), PREFIX), stations[0], 64, b"", header, ipv6.UDP, bytes(8))
    for at in range(3):
        packet = advance(packet, stations[at])
        assert packet.destination == stations[at + 1]
        assert decode_source_route(packet.routing, packet.destination).left == 2 - at
    looping = encode_source_route(SourceRoute(2, [stations[1], stations[0]]))
    with pytest.raises(DecodeError, match="comes back"):
        advance(packet._replace(destination=stations[0], routing=looping), stations[0])


def test_a_route_through_a_circle_is_none():
    routes = Routes(name(0))
    assert routes.announced(name(1), name(2), 240, 100, 0.0)
    assert routes.announced(name(2), name(1), 240, 100, 0.0)
    assert routes.path(name(1)) is None
    assert routes.announced(name(2), name(0), 241, 100, 0.0) is False
    assert routes.path(name(1)) == [name(2), name(1)]
    assert routes.announced(name(2), name(1), 240, 100, 0.0) is None, "older than what is known"
    assert routes.expire(101.0) == [name(1), name(2)]
    assert routes.path(name(1)) is None
    assert not routes.withdraw(name(1))


def test_a_link_that_fails_is_no_way_up_until_later():
    neighbour = Neighbour(name(1), -70, 0.0, Climate(-91))
    neighbour.rank = 128
    assert neighbour.path_cost == 256
    for _ in range(4):
        neighbour.sent(6, 1.0, delivered=False)
    assert neighbour.link_metric > LINK_METRIC_MAX
    assert neighbour.path_cost == INFINITE_RANK
    neighbour.hear(-70, 300.0)
    assert neighbour.path_cost == INFINITE_RANK
    neighbour.hear(-70, 700.0)
    assert neighbour.path_cost < INFINITE_RANK


def test_a_full_table_of_neighbours_keeps_the_better_ones():
    table = Neighbours(4, -91)
    for number in range(4):
        table.heard(name(number), -70, 0.0, None).rank = 128 * (number + 1)
    assert table.heard(name(9), -95, 1.0, None) is None
    keep = table.get(name(3))
    assert table.heard(name(8), -60, 1.0, keep) is not None
    assert table.get(name(3)) is keep
    assert len(table) == 4


def test_addresses_lead_back_to_the_station():
    assert eui64_of(address_of(name(5), PREFIX)) == name(5) == eui64_of(link_local(name(5)))


@pytest.mark.parametrize(
    "changes",
    [{"pan_id": 0xFFFF}, {"prefix": b""}, {"psdu_max": 100}, {"duty": 0.0}],
)
def test_parameters_that_cannot_be(changes):
    with pytest.raises(SettingError):
        MeshParameters(**changes)


@pytest.mark.parametrize(
    "changes",
    [{"eui64": b""}, {"device_key": b"short"}, {"root": True, "device_key": bytes(16)}],
)
def test_settings_that_cannot_be(changes):
    with pytest.raises(SettingError):
        NodeSettings(**{"eui64": name(1), **changes})


def test_keys_are_not_shown():
    settings = NodeSettings(name(1), device_key=b"secret-secret-se")
    assert "secret" not in repr(settings)


def test_a_link_that_was_never_tried_stays_a_way_up_whatever_others_suffered():
    climate = Climate(-91)
    tried = Neighbour(name(1), -70, 0.0, climate)
    for _ in range(100):
        tried.sent(6, 1.0, delivered=False)
    fresh = Neighbour(name(2), -70, 2.0, climate)
    fresh.rank = 128
    assert fresh.etx > 2
    assert fresh.path_cost < INFINITE_RANK


def request(number: int) -> JoinRequest:
    return decode_request(make_request(bytes(16), name(number), bytes(8), 0))


def test_a_relay_hands_on_one_join_request_after_the_other():
    relay = JoinRelay()
    assert relay.take(request(1), 0.0) == request(1)
    assert relay.take(request(2), 1.0) is None
    relay.answered(name(1), 2.0)
    assert relay.due == 2.0
    assert relay.act(2.0) == request(2)


def test_a_relay_without_answers_becomes_slower_and_forgets_old_requests():
    relay = JoinRelay()
    now, waits = 0.0, []
    for number in range(1, 6):
        assert relay.take(request(number), now) == request(number)
        waits.append(relay.due - now)
        now = relay.due
        assert relay.act(now) is None
    assert waits == [6.0, 12.0, 24.0, 48.0, 48.0]
    assert relay.take(request(6), now) == request(6)
    assert relay.take(request(7), now) is None
    assert relay.act(relay.due) is None, "too old: the station will have asked again"
