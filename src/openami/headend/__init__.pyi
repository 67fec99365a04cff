from .dialling import DialWindow as DialWindow
from .headend import Headend as Headend
from .settings import HeadendSettings as HeadendSettings
