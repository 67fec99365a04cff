"""Every declared class against a table that was typed apart from the declarations: numbers, names, order."""

from __future__ import annotations

from importlib import import_module

import pytest

from openami.protocols.dlms.cosem.catalogue import CLASS_NAMES, MODULES
from openami.protocols.dlms.cosem.describe import describe
from openami.protocols.dlms.cosem.interface_class import INTERFACE_CLASSES

# class_id version: attributes / methods, in the order of their numbers; every class begins with logical_name
PRINTED = """
1 0: value /
3 0: value scaler_unit / reset
4 0: value scaler_unit status capture_time / reset
5 0: current_average_value last_average_value scaler_unit status capture_time start_time_current period
     number_of_periods / reset next_period
6 0: register_assignment mask_list active_mask / add_register add_mask delete_mask
7 1: buffer capture_objects capture_period sort_method sort_object entries_in_use profile_entries / reset capture
8 0: time time_zone status daylight_savings_begin daylight_savings_end daylight_savings_deviation
     daylight_savings_enabled clock_base / adjust_to_quarter adjust_to_measuring_period adjust_to_minute
     adjust_to_preset_time preset_adjusting_time shift_time
9 0: scripts / execute
11 0: entries / insert delete
15 1: object_list associated_partners_id application_context_name xdlms_context_info authentication_mechanism_name
      secret association_status security_setup_reference / reply_to_hls_authentication change_hls_secret add_object
      remove_object
15 2: object_list associated_partners_id application_context_name xdlms_context_info authentication_mechanism_name
      secret association_status security_setup_reference user_list current_user / reply_to_hls_authentication
      change_hls_secret add_object remove_object add_user remove_user
17 0: sap_assignment_list / connect_logical_device
18 0: image_block_size image_transferred_blocks_status image_first_not_transferred_block_number
      image_transfer_enabled image_transfer_status image_to_activate_info / image_transfer_initiate
      image_block_transfer image_verify image_activate
20 0: calendar_name_active season_profile_active week_profile_table_active day_profile_table_active
      calendar_name_passive season_profile_passive week_profile_table_passive day_profile_table_passive
      activate_passive_calendar_time / activate_passive_calendar
21 0: thresholds monitored_value actions /
22 0: executed_script type execution_time /
40 0: push_object_list send_destination_and_method communication_window randomisation_start_interval
      number_of_retries repetition_delay / push
62 0: compact_buffer capture_objects template_id template_description capture_method / reset capture
64 0: security_policy security_suite client_system_title server_system_title / security_activate global_key_transfer
70 0: output_state control_state control_mode / remote_disconnect remote_reconnect
71 0: monitored_value threshold_active threshold_normal threshold_emergency min_over_threshold_duration
      min_under_threshold_duration emergency_profile emergency_profile_group_id_list emergency_profile_active actions /
"""


def _table() -> dict[tuple[int, int], tuple[list[str], list[str]]]:
    table: dict[tuple[int, int], str] = {}
    key = (0, 0)
    for line in PRINTED.splitlines():
        head, colon, rest = line.partition(":")
        if colon:
            class_id, version = head.split()
            key = (int(class_id), int(version))
            table[key] = rest
        elif line:
            table[key] += line
    return {
        key: (["logical_name", *attributes.split()], methods.split())
        for key, (attributes, _, methods) in ((key, members.partition("/")) for key, members in table.items())
    }


TABLE = _table()


@pytest.mark.parametrize("key", TABLE, ids=str)
def test_members_are_numbered_from_one_in_the_printed_order(key: tuple[int, int]) -> None:
    attributes, methods = TABLE[key]
    described = describe(*key)
    assert described.declared_version == key[1]
    assert [(one.number, one.name) for one in described.attributes] == list(enumerate(attributes, 1))
    assert [(one.number, one.name) for one in described.methods] == list(enumerate(methods, 1))


def test_every_declared_class_is_in_the_table_above() -> None:
    for module in MODULES.values():
        import_module(f"openami.protocols.dlms.cosem.{module}")
    assert sorted(INTERFACE_CLASSES) == sorted(TABLE)
    assert set(MODULES) == {class_id for class_id, _ in TABLE}
    assert set(MODULES) <= set(CLASS_NAMES)
