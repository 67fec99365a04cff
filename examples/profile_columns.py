"""The buffer of a load profile as NumPy columns, and energy per interval out of its registers."""

import numpy as np

from openami.protocols.dlms import CosemDateTime, Data, DataType, decode_profile, encode_data

START = 1_767_225_600  # 2026-01-01T00:00:00Z


def buffer_of_a_day() -> bytes:
    """What a meter answers: 96 rows of clock, status, import and export register."""
    rows = tuple(
        Data(
            DataType.STRUCTURE,
            (
                Data(DataType.OCTET_STRING, bytes(CosemDateTime.from_utc(START + 900 * (row + 1)))),
                Data(DataType.UNSIGNED, 0),
                Data(DataType.DOUBLE_LONG_UNSIGNED, 1_000 + 50 * row + row % 3),
                Data(DataType.DOUBLE_LONG_UNSIGNED, 0),
            ),
        )
        for row in range(96)
    )
    return encode_data(Data(DataType.ARRAY, rows))


profile = decode_profile(buffer_of_a_day())
registers = profile.columns[2].values
energy_wh = np.diff(registers)
print(profile.stamps.dtype, profile.stamps[0], profile.stamps[-1])
print("rows", len(registers), "energy Wh", energy_wh.sum(), "highest interval", energy_wh.max())
