"""Whatever ends when: turns are never exceeded, none idles while somebody wants it, and nobody starves."""

from hypothesis import given, settings
from hypothesis import strategies as st

from openami.backoffice.operations.turns import Turns


class Play:
    """Campaigns with so many reads each; a read lasts as long as `ends` says."""

    def __init__(self, total, reads):
        self.total, self.turns = total, Turns(total)
        self.waiting, self.running = dict(enumerate(reads)), dict.fromkeys(range(len(reads)), 0)
        self.awake = []
        for campaign in self.waiting:
            self.turns.enter(campaign, lambda campaign=campaign: self.awake.append(campaign))
        self.awake += self.waiting

    def settle(self):
        """Let all that were woken look for work, until none is awake."""
        steps = 0
        while self.awake:
            steps += 1
            assert steps < 100 * (len(self.running) + 1), "they wake each other for ever"
            campaign = self.awake.pop(0)
            if campaign not in self.running:
                continue
            taken = self.turns.take(campaign)
            used = min(taken, self.waiting[campaign])
            self.waiting[campaign] -= used
            self.running[campaign] += used
            if used < taken:
                self.turns.give_back(campaign, taken - used, sated=True)
            if not self.waiting[campaign] and not self.running[campaign]:
                del self.running[campaign]
                self.turns.leave(campaign)
            assert sum(self.running.values()) <= self.total

    def end(self, choice):
        """One read of some campaign ends."""
        busy = [campaign for campaign, running in self.running.items() if running]
        campaign = busy[choice % len(busy)]
        self.running[campaign] -= 1
        self.turns.give_back(campaign)
        self.awake.append(campaign)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(1, 12), st.lists(st.integers(0, 30), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_all_is_read_and_no_turn_idles(total, reads, chance):
    play = Play(total, reads)
    play.settle()
    for _ in range(sum(reads)):
        busy, wanted = sum(play.running.values()), sum(play.waiting.values())
        assert busy == total or not wanted
        play.end(chance.randrange(1 << 16))
        play.settle()
    assert not any(play.waiting.values())
    assert not play.running


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.integers(2, 12), st.integers(1, 4))
def test_a_small_campaign_has_its_share_when_as_many_reads_have_ended(total, small):
    play = Play(total, [1_000, 0])
    play.settle()
    play.waiting[1], play.running[1] = small, 0
    play.turns.enter(1, lambda: play.awake.append(1))
    play.awake.append(1)
    play.settle()
    share = min(small, total // 2)
    for _ in range(share):
        play.end(0)  # the large one's
        play.settle()
    assert play.running.get(1, 0) >= min(share, small)
