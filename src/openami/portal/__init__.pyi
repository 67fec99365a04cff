from .accounts import Account as Account
from .accounts import Accounts as Accounts
from .accounts import Role as Role
from .app import accounts_of as accounts_of
from .app import make_portal as make_portal
from .serving import Serving as Serving
from .serving import serve_portal as serve_portal
from .settings import PortalSettings as PortalSettings
