from .errors import (
    Conflict as Conflict,
)
from .errors import (
    ConnectFailed as ConnectFailed,
)
from .errors import (
    DecodeError as DecodeError,
)
from .errors import (
    FrameCheckError as FrameCheckError,
)
from .errors import (
    LimitExceeded as LimitExceeded,
)
from .errors import (
    LinkError as LinkError,
)
from .errors import (
    LinkLost as LinkLost,
)
from .errors import (
    LinkTimeout as LinkTimeout,
)
from .errors import (
    LocalProtocolError as LocalProtocolError,
)
from .errors import (
    OpenAmiError as OpenAmiError,
)
from .errors import (
    ProtocolError as ProtocolError,
)
from .errors import (
    RemoteProtocolError as RemoteProtocolError,
)
from .errors import (
    SchemaTooNew as SchemaTooNew,
)
from .errors import (
    SchemaTooOld as SchemaTooOld,
)
from .errors import (
    SecurityError as SecurityError,
)
from .errors import (
    ServiceError as ServiceError,
)
from .errors import (
    SettingError as SettingError,
)
from .errors import (
    StoreError as StoreError,
)
from .event import EventCode as EventCode
from .event import MeterEvent as MeterEvent
from .measurement import Measurement as Measurement
from .obis import ObisCode as ObisCode
from .point import (
    Channel as Channel,
)
from .point import (
    ChannelKind as ChannelKind,
)
from .point import (
    Consumer as Consumer,
)
from .point import (
    Installation as Installation,
)
from .point import (
    Meter as Meter,
)
from .point import (
    MeteringPoint as MeteringPoint,
)
from .point import (
    Supply as Supply,
)
from .quality import GuaranteeClass as GuaranteeClass
from .quality import Quality as Quality
from .quantity import Quantity as Quantity
from .reading import ProfileReading as ProfileReading
from .reading import RegisterReading as RegisterReading
from .unit import Unit as Unit
