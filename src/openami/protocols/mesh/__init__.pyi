from .address import address_of as address_of
from .address import eui64_of as eui64_of
from .events import (
    DatagramReceived as DatagramReceived,
)
from .events import (
    Delivered as Delivered,
)
from .events import (
    Failed as Failed,
)
from .events import (
    Joined as Joined,
)
from .events import (
    JoinRefused as JoinRefused,
)
from .events import (
    KeyChanged as KeyChanged,
)
from .events import (
    Left as Left,
)
from .events import (
    MeshEvent as MeshEvent,
)
from .events import (
    ParentChanged as ParentChanged,
)
from .events import (
    Persist as Persist,
)
from .events import (
    StationGone as StationGone,
)
from .events import (
    StationKnown as StationKnown,
)
from .node import MeshNode as MeshNode
from .parameters import MeshParameters as MeshParameters
from .parameters import NodeSettings as NodeSettings
