import pytest

from openami.model.errors import LocalProtocolError, SecurityError
from openami.protocols.dlms.counters import (
    CounterRanges,
    CountersExhausted,
    MemoryCounters,
    Persist,
    ReceiveWindow,
    ReplayedCounter,
    SendCounter,
    apply,
)

END = 1 << 32


def take_all(counter: SendCounter) -> list[int]:
    return [counter.take() for _ in range(counter.available)]


def test_no_number_before_it_is_reserved():
    counter = SendCounter("meter", 10, reserve=3)
    with pytest.raises(LocalProtocolError, match="before it was reserved"):
        counter.take()
    event = counter.reservation()
    assert event == Persist("meter", 13, 3)
    assert counter.available == 0
    counter.reserved(event)
    assert take_all(counter) == [10, 11, 12]


def test_a_crash_loses_numbers_and_repeats_none():
    store = MemoryCounters()
    used = []
    for _ in range(5):
        counter = SendCounter("meter", store.load("meter"), reserve=8)
        counter.reserved(apply(store, counter.reservation()))
        used += [counter.take() for _ in range(3)]
    assert len(set(used)) == len(used) == 15
    assert used == sorted(used)


def test_two_senders_of_one_store_never_share_a_number():
    store = MemoryCounters()
    left, right = (SendCounter("meter", store.load("meter"), reserve=4) for _ in range(2))
    events = [left.reservation(), right.reservation()]
    left.reserved(apply(store, events[0]))
    right.reserved(apply(store, events[1]))
    assert not set(take_all(left)) & set(take_all(right))


def test_one_sender_that_two_links_share():
    store = MemoryCounters()
    counter = SendCounter("meter", reserve=4)
    events = [counter.reservation(), counter.reservation()]
    for event in events:
        counter.reserved(apply(store, event))
    assert take_all(counter) == list(range(8))


def test_a_range_that_somebody_else_took_is_skipped():
    store = MemoryCounters()
    counter = SendCounter("meter", reserve=4)
    counter.reserved(apply(store, counter.reservation()))
    counter.take()
    store.save("meter", 100)
    counter.reserved(apply(store, counter.reservation()))
    assert take_all(counter) == [100, 101, 102, 103]


def test_the_last_number_is_used_and_then_the_error_says_what_to_do():
    store = MemoryCounters()
    store.save("meter", END - 3)
    counter = SendCounter("meter", store.load("meter"), reserve=32)
    counter.reserved(apply(store, counter.reservation()))
    assert take_all(counter) == [END - 3, END - 2, END - 1]
    with pytest.raises(CountersExhausted, match="change the encryption key"):
        counter.reservation()
    with pytest.raises(CountersExhausted):
        apply(store, Persist("meter", 32, 32))


def test_window_accepts_what_is_newer_and_nothing_else():
    window = ReceiveWindow()
    window.check(0)
    window.commit(0)
    for counter in (0, -1):
        with pytest.raises(ReplayedCounter, match="replay refused"):
            window.check(counter)
    window.check(5)
    window.check(1)
    window.commit(5)
    with pytest.raises(SecurityError):
        window.check(5)
    window.commit(3)
    assert window.last == 5


class CountingStore(MemoryCounters):
    syncs = 0

    def save(self, name, value):
        self.syncs += 1
        super().save(name, value)


def test_ranges_save_syncs_and_keep_the_promise():
    store = CountingStore()
    used = []
    for _ in range(3):
        ranges = CounterRanges(store, size=1000)
        for _ in range(20):
            counter = SendCounter("meter", ranges.load("meter"), reserve=32)
            counter.reserved(apply(ranges, counter.reservation()))
            used += take_all(counter)
            assert store.load("meter") > used[-1]
    assert len(set(used)) == len(used)
    assert store.syncs == 3


def test_ranges_end_where_the_numbers_end():
    store = MemoryCounters()
    store.save("meter", END - 40)
    ranges = CounterRanges(store)
    counter = SendCounter("meter", ranges.load("meter"), reserve=32)
    counter.reserved(apply(ranges, counter.reservation()))
    counter.reserved(apply(ranges, counter.reservation()))
    assert take_all(counter)[-1] == END - 1
    assert store.load("meter") == END
    with pytest.raises(CountersExhausted):
        counter.reservation()


def test_only_send_counters_are_saved_ahead():
    store = MemoryCounters()
    ranges = CounterRanges(store, size=1000, ending="/sent")
    ranges.save("meter/sent", 32)
    ranges.save("meter/sent/quarantine", 1)
    assert store.values == {"meter/sent": 1032, "meter/sent/quarantine": 1}
    assert (ranges.load("meter/sent"), ranges.load("meter/sent/quarantine")) == (32, 1)


def test_windows_are_saved_forward_only():
    store = MemoryCounters()
    apply(store, Persist("window", 9))
    apply(store, Persist("window", 4))
    assert store.load("window") == 9
