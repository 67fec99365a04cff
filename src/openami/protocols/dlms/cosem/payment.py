"""Payment metering: Account (class_id 111), Credit (112), Charge (113), all version 0.

Source: public implementations and lists, counted beside the peer stack; no edition of the book was at hand.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated

from openami.model.obis import ObisCode
from openami.protocols.dlms.cosem.attribute import Attribute, Method
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.types import (
    BIT_STRING,
    DATE_TIME,
    DATE_TIME_OCTETS,
    DOUBLE_LONG,
    DOUBLE_LONG_UNSIGNED,
    ENUM,
    INTEGER,
    LOGICAL_NAME,
    LONG,
    LONG_UNSIGNED,
    OCTET_STRING,
    UNSIGNED,
    UTF8_STRING,
    array_of,
    cosem_structure,
    enum_of,
    structure_type,
)


class PaymentMode(IntEnum):
    """account_mode."""

    CREDIT = 1
    PREPAYMENT = 2


class AccountStatus(IntEnum):
    """account_status."""

    NEW = 1
    ACTIVE = 2
    CLOSED = 3


@cosem_structure
class AccountModeAndStatus:
    """account_mode_and_status."""

    account_mode: Annotated[PaymentMode, enum_of(PaymentMode)]
    account_status: Annotated[AccountStatus, enum_of(AccountStatus)]


@cosem_structure
class CreditChargeConfiguration:
    """credit_charge_configuration_element: which charge is collected from which credit."""

    credit_reference: Annotated[ObisCode, LOGICAL_NAME]
    charge_reference: Annotated[ObisCode, LOGICAL_NAME]
    collection_configuration: Annotated[str, BIT_STRING]


@cosem_structure
class TokenGatewayConfiguration:
    """token_gateway_configuration_element: what share of a token goes to which credit, in percent."""

    credit_reference: Annotated[ObisCode, LOGICAL_NAME]
    token_proportion: Annotated[int, UNSIGNED]


@cosem_structure
class Currency:
    """currency: amounts mean `amount × 10^currency_scale`; the unit is 0 time, 1 consumption, 2 monetary."""

    currency_name: Annotated[str, UTF8_STRING]
    currency_scale: Annotated[int, INTEGER]
    currency_unit: Annotated[int, ENUM]


class Account(InterfaceClass, class_id=111, version=0):
    """Amounts are in `currency`."""

    __slots__ = ()

    account_mode_and_status = Attribute(2, structure_type(AccountModeAndStatus), static=True)
    current_credit_in_use = Attribute(3, UNSIGNED)
    current_credit_status = Attribute(4, BIT_STRING)
    available_credit = Attribute(5, DOUBLE_LONG)
    amount_to_clear = Attribute(6, DOUBLE_LONG)
    clearance_threshold = Attribute(7, DOUBLE_LONG, static=True)
    aggregated_debt = Attribute(8, DOUBLE_LONG)
    credit_reference_list = Attribute(9, array_of(LOGICAL_NAME), static=True)
    charge_reference_list = Attribute(10, array_of(LOGICAL_NAME), static=True)
    credit_charge_configuration = Attribute(11, array_of(structure_type(CreditChargeConfiguration)), static=True)
    token_gateway_configuration = Attribute(12, array_of(structure_type(TokenGatewayConfiguration)), static=True)
    account_activation_time = Attribute(13, DATE_TIME_OCTETS, static=True)
    account_closure_time = Attribute(14, DATE_TIME_OCTETS, static=True)
    currency = Attribute(15, structure_type(Currency), static=True)
    low_credit_threshold = Attribute(16, DOUBLE_LONG, static=True)
    next_credit_available_threshold = Attribute(17, DOUBLE_LONG, static=True)
    max_provision = Attribute(18, LONG_UNSIGNED, static=True)
    max_provision_period = Attribute(19, DOUBLE_LONG, static=True)

    activate_account = Method(1, INTEGER)
    close_account = Method(2, INTEGER)
    reset_account = Method(3, INTEGER)


class CreditType(IntEnum):
    """credit_type."""

    TOKEN_CREDIT = 0
    RESERVED_CREDIT = 1
    EMERGENCY_CREDIT = 2
    TIME_BASED_CREDIT = 3
    CONSUMPTION_BASED_CREDIT = 4


class CreditStatus(IntEnum):
    """credit_status."""

    ENABLED = 0
    SELECTABLE = 1
    SELECTED_INVOKED = 2
    IN_USE = 3
    EXHAUSTED = 4


class Credit(InterfaceClass, class_id=112, version=0):
    """`update_amount` adds to the amount."""

    __slots__ = ()

    current_credit_amount = Attribute(2, DOUBLE_LONG)
    credit_type = Attribute(3, enum_of(CreditType), static=True)
    priority = Attribute(4, UNSIGNED, static=True)
    warning_threshold = Attribute(5, DOUBLE_LONG, static=True)
    limit = Attribute(6, DOUBLE_LONG, static=True)
    credit_configuration = Attribute(7, BIT_STRING, static=True)
    credit_status = Attribute(8, enum_of(CreditStatus))
    preset_credit_amount = Attribute(9, DOUBLE_LONG, static=True)
    credit_available_threshold = Attribute(10, DOUBLE_LONG, static=True)
    period = Attribute(11, DATE_TIME_OCTETS, static=True)

    update_amount = Method(1, DOUBLE_LONG)
    set_amount_to_value = Method(2, DOUBLE_LONG)
    invoke_credit = Method(3, INTEGER)


@cosem_structure
class ChargePerUnitScaling:
    """charge_per_unit_scaling."""

    commodity_scale: Annotated[int, INTEGER]
    price_scale: Annotated[int, INTEGER]


@cosem_structure
class CommodityReference:
    """commodity_reference: the attribute that counts what is charged for."""

    class_id: Annotated[int, LONG_UNSIGNED]
    logical_name: Annotated[ObisCode, LOGICAL_NAME]
    attribute_index: Annotated[int, INTEGER]


@cosem_structure
class ChargeTableElement:
    """charge_table_element: the price at a tariff."""

    index: Annotated[bytes, OCTET_STRING]
    charge_per_unit: Annotated[int, LONG]


@cosem_structure
class UnitCharge:
    """unit_charge: what a unit of the commodity costs."""

    charge_per_unit_scaling: Annotated[ChargePerUnitScaling, structure_type(ChargePerUnitScaling)]
    commodity_reference: Annotated[CommodityReference, structure_type(CommodityReference)]
    charge_table: Annotated[tuple[ChargeTableElement, ...], array_of(structure_type(ChargeTableElement))]


class ChargeType(IntEnum):
    """charge_type."""

    CONSUMPTION_BASED_COLLECTION = 0
    TIME_BASED_COLLECTION = 1
    PAYMENT_EVENT_BASED_COLLECTION = 2


class Charge(InterfaceClass, class_id=113, version=0):
    """`period` is seconds; the passive unit charge becomes active at its time."""

    __slots__ = ()

    total_amount_paid = Attribute(2, DOUBLE_LONG)
    charge_type = Attribute(3, enum_of(ChargeType), static=True)
    priority = Attribute(4, UNSIGNED, static=True)
    unit_charge_active = Attribute(5, structure_type(UnitCharge), static=True)
    unit_charge_passive = Attribute(6, structure_type(UnitCharge), static=True)
    unit_charge_activation_time = Attribute(7, DATE_TIME_OCTETS, static=True)
    period = Attribute(8, DOUBLE_LONG_UNSIGNED, static=True)
    charge_configuration = Attribute(9, BIT_STRING, static=True)
    last_collection_time = Attribute(10, DATE_TIME)
    last_collection_amount = Attribute(11, DOUBLE_LONG)
    total_amount_remaining = Attribute(12, DOUBLE_LONG)
    proportion = Attribute(13, LONG_UNSIGNED, static=True)

    update_unit_charge = Method(1, array_of(structure_type(ChargeTableElement)))
    activate_passive_unit_charge = Method(2, INTEGER)
    collect = Method(3, INTEGER)
    update_total_amount_remaining = Method(4, DOUBLE_LONG)
    set_total_amount_remaining = Method(5, DOUBLE_LONG)
