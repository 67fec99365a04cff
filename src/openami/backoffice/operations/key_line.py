"""The way to meters for a roll-over of their keys: an association under these keys or those, and the transfer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from openami.backoffice.operations.key_roll_over import OrderNeeded
from openami.backoffice.operations.sessions import Sessions, security_keys
from openami.io.clock import Clock
from openami.io.keystore.meter_keys import MeterKeys
from openami.io.links.procedure import perform
from openami.model.errors import RemoteProtocolError, ServiceError
from openami.model.obis import ObisCode
from openami.model.point import Meter
from openami.model.quality import GuaranteeClass
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor
from openami.protocols.dlms.key_exchange import transfer_keys
from openami.protocols.dlms.security import SecurityKeys

CLOCK_TIME: Final = CosemAttributeDescriptor(8, ObisCode(0, 0, 1, 0, 0), 2)
"""What is read to prove that keys are in use: every meter has a clock, and its time is nobody's secret."""
Reach = Callable[[bytes], tuple[Meter, str]]


@dataclass(frozen=True, slots=True)
class KeyLine:
    """See `key_roll_over.Line`. `reach` finds a meter by its system title, and where it is dialled.

    The association is that of operations, which must be the management client of meters whose keys it changes.
    """

    sessions: Sessions
    reach: Reach
    clock: Clock

    async def opens(self, system_title: bytes, keys: MeterKeys) -> bool:
        """Whether the meter associates under `keys` and answers a read that is ciphered with them.

        Who stands between may answer a refusal in the meter's stead. That changes no key: it only delays.
        """
        meter, link = self.reach(system_title)
        try:
            async with self.sessions.client(meter, link, keys) as client:
                await client.associate()
                await client.get_raw(CLOCK_TIME)
                await client.release()
        except (ServiceError, RemoteProtocolError):
            return False
        return True

    async def transfer(self, system_title: bytes, keys: MeterKeys, new: MeterKeys) -> None:
        """See `Line`; `new` is durable already. Raises `OrderNeeded` for a meter of the two-seal class."""
        meter, link = self.reach(system_title)
        if meter.guarantee is GuaranteeClass.TWO_SEALS:
            raise OrderNeeded(f"meter {meter.serial} takes new keys only under two seals: ask for a key change")
        async with self.sessions.client(meter, link, keys) as client:
            await client.associate()
            await perform(client, transfer_keys(security_keys(keys), security_keys(new)), self.clock, keep=_is_kept)
            await client.release()


def _is_kept(_keys: SecurityKeys) -> None:
    """`RollOver.begin` has made them durable."""
