"""How campaigns share turns, alone and beside others."""

from openami.backoffice.operations.turns import Turns


class Campaigns:
    """Campaigns that take all the turns they can, and note who was woken."""

    def __init__(self, total, *names):
        self.turns, self.woken = Turns(total), []
        for name in names:
            self.turns.enter(name, lambda name=name: self.woken.append(name))


def test_a_campaign_alone_has_all_turns():
    one = Campaigns(10, 1)
    assert one.turns.take(1) == 10
    assert one.turns.take(1) == 0


def test_a_small_campaign_gets_the_turns_of_a_large_one_as_they_end():
    both = Campaigns(10, 1)
    assert both.turns.take(1) == 10
    both.turns.enter(2, lambda: both.woken.append(2))
    assert both.turns.take(2) == 0
    for given in range(1, 6):
        both.turns.give_back(1)
        assert both.woken[-1] == 2
        assert both.turns.take(1) == 0
        assert both.turns.take(2) == 1, given
    both.turns.give_back(1)
    assert both.woken[-1] == 1, "four beside five: it may have that turn again"
    assert both.turns.take(2) == 0
    assert both.turns.take(1) == 1


def test_what_one_does_not_need_the_others_take():
    three = Campaigns(9, 1, 2, 3)
    assert three.turns.take(1) == 9
    three.turns.give_back(1, 8, sated=True)
    assert three.turns.take(2) == 8
    three.turns.give_back(2, 6, sated=True)
    assert three.turns.take(3) == 6


def test_who_leaves_gives_all_back_and_the_next_is_told():
    two = Campaigns(4, 1, 2)
    assert two.turns.take(1) == 4
    assert two.turns.take(2) == 0
    two.turns.leave(1)
    assert two.woken == [2]
    assert two.turns.take(2) == 4


def test_more_campaigns_than_turns():
    many = Campaigns(2, *range(5))
    assert [many.turns.take(number) for number in range(5)] == [2, 0, 0, 0, 0]
    many.turns.give_back(0)
    assert many.woken[-1] == 1
    assert many.turns.take(0) == 0
    assert many.turns.take(1) == 1
