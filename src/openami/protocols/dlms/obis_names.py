"""Names of OBIS codes for people: medium, quantity, processing, tariff, billing period.

Value groups of IEC 62056-6-1, declared as data in `obis_abstract`, `obis_every_medium`, `obis_electricity` and
`obis_media`: facts from
public code lists and companion specifications; the text of the standard was not at hand. A code that is not there
has no name: nothing is guessed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from openami.model.obis import ObisCode
from openami.protocols.dlms import obis_electricity as electricity
from openami.protocols.dlms import obis_media as media
from openami.protocols.dlms.obis_abstract import ABSTRACT
from openami.protocols.dlms.obis_every_medium import COUNTRIES, EVERY_MEDIUM

MEDIA = {
    0: "abstract",
    1: "electricity",
    4: "heat cost",
    5: "cooling",
    6: "heat",
    7: "gas",
    8: "cold water",
    9: "hot water",
}
"""Value group A."""

COUNTRY_SPECIFIC = 94
NOT_BILLING = 255
_MAKERS_C = frozenset({*range(128, 200), 240})
_MAKERS = range(128, 255)


@dataclass(frozen=True, slots=True)
class ObisMeaning:
    """What the value groups of a code say; parts that do not apply are empty, 0 or `None`.

    `billing_period` is the number of a closed period (group F 0 to 99); `last_billing_periods` says that the values
    of the last so many are meant (F 101 to 125).
    """

    medium: str = ""
    channel: int = 0
    quantity: str = ""
    processing: str = ""
    tariff: int = 0
    billing_period: int | None = None
    last_billing_periods: int | None = None

    @property
    def name(self) -> str:
        """All parts but the medium, as one name; empty where there is no quantity."""
        if not self.quantity:
            return ""
        parts = [self.quantity, self.processing]
        parts += [f"tariff {self.tariff}"] if self.tariff else []
        parts += [f"channel {self.channel}"] if self.channel else []
        parts += [] if self.billing_period is None else [f"billing period {self.billing_period}"]
        parts += [f"last {self.last_billing_periods} billing periods"] if self.last_billing_periods else []
        return ", ".join(filter(None, parts))


_NOTHING = ObisMeaning()


def obis_meaning(code: ObisCode) -> ObisMeaning:
    """What `code` says; `quantity` is empty if it is not in the dictionary."""
    meaning = replace(_quantity(code), medium=medium(code), channel=code.b)
    if code.f == NOT_BILLING or not meaning.quantity:
        return meaning
    if code.f < 100:
        return replace(meaning, billing_period=code.f)
    return replace(meaning, last_billing_periods=code.f - 100) if 101 <= code.f <= 125 else _NOTHING


@lru_cache(maxsize=4096)
def obis_name(code: ObisCode) -> str:
    """What `code` is called, for example `active energy +A, tariff 1`; empty if it is not in the dictionary."""
    return obis_meaning(code).name


def medium(code: ObisCode) -> str:
    """The medium of value group A; empty if it has no name here."""
    return MEDIA.get(code.a, "")


def _quantity(code: ObisCode) -> ObisMeaning:
    if code.a not in MEDIA:
        return _NOTHING
    if code.c in _MAKERS_C or code.d in _MAKERS or (code.e in _MAKERS and code.c != COUNTRY_SPECIFIC):
        return ObisMeaning(quantity="manufacturer specific")
    if code.c == COUNTRY_SPECIFIC:
        country = COUNTRIES.get(code.d)
        return ObisMeaning(quantity=f"country specific, {country}") if country else _NOTHING
    if named := EVERY_MEDIUM.name(code):
        return ObisMeaning(quantity=named)
    if code.a == 0:
        return ObisMeaning(quantity=ABSTRACT.name(code))
    return _electricity(code) if code.a == 1 else _medium(code)


def _electricity(code: ObisCode) -> ObisMeaning:
    if named := electricity.GENERAL.name(code):
        return ObisMeaning(quantity=named)
    if code.c == 81:
        return _angle(code)
    quantity = electricity.QUANTITIES.get(code.c, "")
    if code.d in electricity.WITH_HARMONICS and code.e and code.c in electricity.HARMONIC_QUANTITIES:
        return _harmonic(code, quantity)
    if code.d in electricity.TIME_INTEGRALS:
        quantity, processing = quantity.replace(" power ", " energy "), electricity.TIME_INTEGRALS[code.d]
    elif code.d == 7 or code.d in electricity.PROCESSING:
        processing = electricity.PROCESSING.get(code.d, "")
    else:
        return _NOTHING
    if code.e and (code.d not in electricity.WITH_TARIFFS or code.e > 63):
        return _NOTHING
    return ObisMeaning(quantity=quantity, processing=processing, tariff=code.e)


def _harmonic(code: ObisCode, quantity: str) -> ObisMeaning:
    which = f"harmonic {code.e}" if code.e <= 120 else electricity.DISTORTIONS.get(code.e, "")
    processing = ", ".join(filter(None, (electricity.PROCESSING.get(code.d, ""), which)))
    return ObisMeaning(quantity=quantity, processing=processing) if which else _NOTHING


def _angle(code: ObisCode) -> ObisMeaning:
    first, second = electricity.ANGLES.get(code.e // 10), electricity.ANGLES.get(code.e % 10)
    if code.d != 7 or first is None or second is None:
        return _NOTHING
    return ObisMeaning(quantity=f"phase angle between {first} and {second}")


def _medium(code: ObisCode) -> ObisMeaning:
    if named := media.GENERAL[code.a].name(code):
        return ObisMeaning(quantity=named)
    quantity, processing = media.QUANTITIES[code.a].get(code.c, ""), media.PROCESSING[code.a].get(code.d)
    if processing is None or code.e > 63:
        return _NOTHING
    return ObisMeaning(quantity=quantity, processing=processing, tariff=code.e)
