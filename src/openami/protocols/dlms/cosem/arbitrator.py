"""Interface class Arbitrator (class_id 68, version 0): who gets his way when several want to control one thing.

Members from a public list of the class; the peer stack does not have it.
Source: public lists of the class; the peer stack has it not, and no edition of the book was at hand.
"""

from __future__ import annotations

from typing import Annotated

from openami.protocols.dlms.cosem.attribute import Attribute, Method
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.script_table import ACTION_ITEM
from openami.protocols.dlms.cosem.types import (
    BIT_STRING,
    INTEGER,
    LONG_UNSIGNED,
    UNSIGNED,
    array_of,
    cosem_structure,
    structure_type,
)


@cosem_structure
class RequestAction:
    """The parameter of `request_action`: an actor, counted from 0, and a bit for each of the actions."""

    request_actor: Annotated[int, UNSIGNED]
    request_action_list: Annotated[str, BIT_STRING]


class Arbitrator(InterfaceClass, class_id=68, version=0):
    """The tables have a row for each actor and a column for each action; `last_outcome` 0 is none."""

    __slots__ = ()

    actions = Attribute(2, array_of(ACTION_ITEM), static=True)
    permissions_table = Attribute(3, array_of(BIT_STRING), static=True)
    weightings_table = Attribute(4, array_of(array_of(LONG_UNSIGNED)), static=True)
    most_recent_requests_table = Attribute(5, array_of(BIT_STRING))
    last_outcome = Attribute(6, UNSIGNED)

    request_action = Method(1, structure_type(RequestAction))
    reset = Method(2, INTEGER)
