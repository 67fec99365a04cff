from .authority import Approved as Approved
from .authority import Authority as Authority
from .people import People as People
from .people import Person as Person
from .policy import Policy as Policy
from .signing import SigningKey as SigningKey
