from .fallback import METHODS as METHODS
from .fallback import estimate as estimate
from .fallback import method_use as method_use
from .gaps import Estimate as Estimate
from .gaps import Gaps as Gaps
from .method import Method as Method
from .sharing import scale_estimated as scale_estimated
from .sharing import scale_to_register as scale_to_register
