"""The tables of metering data. Rows are only added: a change is a new version, and the latest version is current.

Times in `interval_block` and `stamped_register` are plain integers (days and seconds since 1970-01-01 UTC,
microseconds for `known_at`), because these rows come and go in bulk.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
)

from openami.io.store.columns import RowId, UtcTime
from openami.io.store.schema import metadata

BY_DAY = "RANGE (day)"
"""Servers keep these tables in a part per month (`io.store.partitions`)."""

# One channel, one UTC day, one version: interval energies and the register snapshots they come from. The order of the
# columns leaves no gap between them where a server aligns them; `details` is nearly always empty (`details.py`).
interval_block = Table(
    "interval_block",
    metadata,
    Column("metering_point", BigInteger, nullable=False),
    Column("day", Integer, nullable=False),
    Column("channel", SmallInteger, nullable=False),
    Column("version", SmallInteger, nullable=False),
    Column("resolution_s", Integer, nullable=False),
    Column("missing", SmallInteger, nullable=False),
    Column("estimated", SmallInteger, nullable=False),
    Column("known_at", BigInteger, nullable=False),
    Column("meter", BigInteger, nullable=False),
    Column("evidence", BigInteger, nullable=False),
    Column("energy_sum", BigInteger, nullable=False),
    Column("peak", BigInteger, nullable=False),
    Column("base", BigInteger, nullable=False),
    Column("energy", LargeBinary, nullable=False),
    Column("details", LargeBinary, nullable=False),
    PrimaryKeyConstraint("metering_point", "day", "channel", "version"),
    postgresql_partition_by=BY_DAY,
)

# One channel-day as it was judged, one version: `energy` is NULL where nothing was estimated and the raw version
# `raw_version` (0: none) stands as it is. Nothing here alters what was measured.
judged_block = Table(
    "judged_block",
    metadata,
    Column("metering_point", BigInteger, nullable=False),
    Column("day", Integer, nullable=False),
    Column("channel", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("resolution_s", Integer, nullable=False),
    Column("judged_at", BigInteger, nullable=False),
    Column("raw_version", Integer, nullable=False),
    Column("rule_set", Text, nullable=False),
    Column("energy_sum", BigInteger, nullable=False),
    Column("missing", Integer, nullable=False),
    Column("estimated", Integer, nullable=False),
    Column("energy", LargeBinary),
    Column("quality", LargeBinary),
    Column("reasons", LargeBinary),
    PrimaryKeyConstraint("metering_point", "day", "channel", "version"),
    postgresql_partition_by=BY_DAY,
)

# A register as it stood at one instant: daily and monthly reads, opening and closing reads of an exchange.
stamped_register = Table(
    "stamped_register",
    metadata,
    Column("metering_point", BigInteger, nullable=False),
    Column("obis", Text, nullable=False),
    Column("stamp", BigInteger, nullable=False),
    Column("meter", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("register", BigInteger, nullable=False),
    Column("known_at", BigInteger, nullable=False),
    Column("evidence", BigInteger, nullable=False),
    PrimaryKeyConstraint("metering_point", "obis", "stamp", "meter", "version"),
)

# The bytes that values came from. `metering_point` is 0 where the meter hung nowhere.
evidence = Table(
    "evidence",
    metadata,
    Column("metering_point", BigInteger, nullable=False),
    Column("id", BigInteger, nullable=False, index=True),
    Column("meter", BigInteger, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("protocol", Text, nullable=False),
    Column("received", LargeBinary, nullable=False),
    Column("plain", LargeBinary, nullable=False),
    Column("note", Text, nullable=False),
    PrimaryKeyConstraint("metering_point", "id"),
)

# Readings without a place: kept until somebody tells where the meter hung.
unplaced = Table(
    "unplaced",
    metadata,
    Column("id", BigInteger, nullable=False, autoincrement=False),
    Column("meter", BigInteger, nullable=False, index=True),
    Column("obis", Text, nullable=False),
    Column("resolution_s", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("first_stamp", BigInteger, nullable=False),
    Column("last_stamp", BigInteger, nullable=False),
    Column("row_count", Integer, nullable=False),
    Column("known_at", UtcTime, nullable=False),
    Column("evidence", BigInteger, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("placed", Boolean, nullable=False),
    PrimaryKeyConstraint("id"),
)

# A day that was closed, and when; `close_day` of it may run again. What was counted stands in `close_count`.
close_run = Table(
    "close_run",
    metadata,
    Column("day", Integer, nullable=False, autoincrement=False),
    Column("begun_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    PrimaryKeyConstraint("day"),
)

# What a close counted, by collector and by the cause of what is missing ("" where nothing is).
close_count = Table(
    "close_count",
    metadata,
    Column("day", Integer, nullable=False),
    Column("collector", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("channels", BigInteger, nullable=False),
    Column("by_deadline", BigInteger, nullable=False),
    Column("by_billing", BigInteger, nullable=False),
    Column("late_changes", BigInteger, nullable=False),
    Column("intervals", BigInteger, nullable=False),
    Column("measured", BigInteger, nullable=False),
    Column("estimated", BigInteger, nullable=False),
    Column("missing", BigInteger, nullable=False),
    Column("energy", BigInteger, nullable=False),
    Column("estimated_energy", BigInteger, nullable=False),
    Column("oldest_gap", Integer),
    PrimaryKeyConstraint("day", "collector", "cause"),
)

# The daily statistics of a channel, day `through` and the 28 before it: what history rules need, so that a close does
# not read weeks again. Made from `interval_block`, and made again where a block came late.
channel_statistic = Table(
    "channel_statistic",
    metadata,
    Column("metering_point", BigInteger, nullable=False),
    Column("channel", Integer, nullable=False),
    Column("through", Integer, nullable=False),
    Column("gap_since", Integer),
    Column("numbers", LargeBinary, nullable=False),
    Column("states", LargeBinary),
    PrimaryKeyConstraint("metering_point", "channel"),
)

# Blocks that came for a day that was closed already: the next close judges these days again.
late_block = Table(
    "late_block",
    metadata,
    Column("metering_point", BigInteger, nullable=False),
    Column("channel", Integer, nullable=False),
    Column("day", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("metering_point", "channel", "day", "version"),
)

# The rule sets and the order of estimation methods that hold for a class of channels from one day to another. Each
# change of one is a new version; the latest is current, and one without an end day before its start is withdrawn.
judging_setting = Table(
    "judging_setting",
    metadata,
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("channel_class", Text, nullable=False),
    Column("start", Integer, nullable=False),
    Column("until", Integer),
    Column("content", Text, nullable=False),
    Column("stored_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("name", "version"),
)

# Values that a person set for `intervals` intervals from `start` (seconds since 1970-01-01) on.
value_edit = Table(
    "value_edit",
    metadata,
    Column("metering_point", BigInteger, nullable=False),
    Column("number", Integer, nullable=False),
    Column("channel", Integer, nullable=False),
    Column("start", BigInteger, nullable=False),
    Column("resolution_s", Integer, nullable=False),
    Column("intervals", Integer, nullable=False),
    Column("energy", LargeBinary, nullable=False),
    PrimaryKeyConstraint("metering_point", "number"),
)

# What became of an edit, step by step: the last step tells its state.
value_edit_step = Table(
    "value_edit_step",
    metadata,
    Column("metering_point", BigInteger, nullable=False),
    Column("number", Integer, nullable=False),
    Column("step", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    PrimaryKeyConstraint("metering_point", "number", "step"),
)

# One channel-day as persons edited it, one version: `marked` says which intervals of `energy` they set (NULL: none any
# more). `edit` is the one that made the version. Measured and judged values stand beside it as they were.
edited_block = Table(
    "edited_block",
    metadata,
    Column("metering_point", BigInteger, nullable=False),
    Column("day", Integer, nullable=False),
    Column("channel", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("resolution_s", Integer, nullable=False),
    Column("edited_at", UtcTime, nullable=False),
    Column("edit", Integer, nullable=False),
    Column("energy", LargeBinary, nullable=False),
    Column("marked", LargeBinary),
    PrimaryKeyConstraint("metering_point", "day", "channel", "version"),
)

# Two points whose meters were taken for each other: who corrected it, why, and what it touched (JSON). A row that
# `reverses` another one puts it back.
crossing = Table(
    "crossing",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("first_point", BigInteger, nullable=False),
    Column("second_point", BigInteger, nullable=False),
    Column("start", UtcTime, nullable=False),
    Column("end", UtcTime),
    Column("reverses", BigInteger),
    Column("reason", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("preview", Text, nullable=False),
)

# Copies of the values that hold, one row per interval, for SQL users who asked for them: `ends_at` in seconds since
# 1970-01-01, `energy` in the channel's unit and scaler, `quality` as in `model.quality`.
recent_interval = Table(
    "recent_interval",
    metadata,
    Column("metering_point", BigInteger, nullable=False),
    Column("day", Integer, nullable=False),
    Column("channel", Integer, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Column("energy", BigInteger, nullable=False),
    Column("quality", Integer, nullable=False),
    PrimaryKeyConstraint("metering_point", "day", "channel", "ends_at"),
)
