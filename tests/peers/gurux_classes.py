"""What gurux-dlms knows of each interface class, as one line of JSON; run by the peers' Python."""

import json
import warnings

warnings.simplefilter("ignore")

from gurux_dlms._GXObjectFactory import _GXObjectFactory  # noqa: E402
from gurux_dlms.enums import ObjectType  # noqa: E402

VERSIONS = range(5)


def attribute_type(item, number):
    """The name of an attribute's type; none where the peer does not say."""
    try:
        return item.getDataType(number).name
    except (AttributeError, TypeError, ValueError):
        return None


def described(class_id, version):
    """The peer's object of a class, told to be of `version`."""
    item = _GXObjectFactory.createObject(ObjectType(class_id))
    own = item.version
    item.version = version
    count = item.getAttributeCount()
    types = [attribute_type(item, number) for number in range(1, count + 1)]
    return {"own_version": own, "attributes": count, "methods": item.getMethodCount(), "types": types}


def has_code(class_id):
    """Whether the peer implements the class."""
    item = _GXObjectFactory.createObject(ObjectType(class_id))
    return type(item).__name__ not in {"GXDLMSObject", "NoneType"}


known = [int(kind) for kind in ObjectType if 0 < int(kind) < 8000 and has_code(int(kind))]
print(json.dumps({str(one): [described(one, version) for version in VERSIONS] for one in known}))
