from .loop import (
    VirtualClock as VirtualClock,
)
from .loop import (
    VirtualLoop as VirtualLoop,
)
