"""The driver files of this package, and finding the one for a meter without asking each."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files

from openami.model.errors import SettingError
from openami.protocols.mbus.wireless.address import LETTERS, MeterAddress
from openami.protocols.mbus.wireless.drivers.declaration import Driver, load_driver

KINDS_MAX = 4096


class Drivers:
    """Drivers by manufacturer; the first that fits is taken."""

    def __init__(self, drivers: Iterable[Driver] = ()) -> None:
        self._by_maker: dict[int, list[Driver]] = {}
        self._found: dict[tuple[int, int, int], Driver | None] = {}
        self.names: list[str] = []
        self.formats: list[bytes] = []
        for driver in drivers:
            if driver.name in self.names:
                raise SettingError(f"two drivers are named {driver.name}")
            self.names.append(driver.name)
            self.formats += driver.formats
            for code in dict.fromkeys(code for code, _, _ in driver.meters):
                self._by_maker.setdefault(code, []).append(driver)

    def of(self, meter: MeterAddress) -> Driver | None:
        """The driver for `meter`, if there is one."""
        of_maker = self._by_maker.get(meter.manufacturer & LETTERS)
        if of_maker is None:
            return None
        kind = (meter.manufacturer, meter.version, meter.device_type)
        if kind not in self._found:
            if len(self._found) >= KINDS_MAX:
                self._found.clear()
            self._found[kind] = next((driver for driver in of_maker if driver.fits(meter)), None)
        return self._found[kind]


@lru_cache(maxsize=1)
def own_drivers() -> tuple[Driver, ...]:
    """The drivers that come with OpenAMI, by name; read once."""
    folder = files(__package__)
    found = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    return tuple(load_driver(file.name.removesuffix(".toml"), file.read_text("utf-8")) for file in found)
