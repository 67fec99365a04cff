from .address import (
    HdlcAddress as HdlcAddress,
)
from .frame import (
    Frame as Frame,
)
from .frame import (
    FrameKind as FrameKind,
)
from .frame import (
    decode_frame as decode_frame,
)
from .frame import (
    encode_frame as encode_frame,
)
from .framing import (
    HdlcFraming as HdlcFraming,
)
from .listener import (
    HdlcListener as HdlcListener,
)
from .parameters import (
    HdlcParameters as HdlcParameters,
)
from .parameters import (
    HdlcTimeouts as HdlcTimeouts,
)
from .parser import (
    HdlcParser as HdlcParser,
)
