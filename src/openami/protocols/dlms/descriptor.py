"""What a request names: an attribute or a method of a COSEM object, and the part of the attribute that it wants."""

from __future__ import annotations

from typing import Annotated

from openami.model.obis import ObisCode
from openami.protocols.dlms.axdr import LOGICAL_NAME, optional
from openami.protocols.dlms.raw_data import RAW_DATA
from openami.protocols.wire.declared import declared
from openami.protocols.wire.integers import SIGNED8, UNSIGNED8, UNSIGNED16


@declared
class CosemAttributeDescriptor:
    """One attribute of one object."""

    class_id: Annotated[int, UNSIGNED16]
    instance_id: Annotated[ObisCode, LOGICAL_NAME]
    attribute_id: Annotated[int, SIGNED8]


@declared
class CosemMethodDescriptor:
    """One method of one object."""

    class_id: Annotated[int, UNSIGNED16]
    instance_id: Annotated[ObisCode, LOGICAL_NAME]
    method_id: Annotated[int, SIGNED8]


@declared
class SelectiveAccess:
    """Which part of an attribute: `access_selector` says how to read the `access_parameters`, one undecoded Data.

    `openami.protocols.dlms.selective_access` has the descriptors of profiles.
    """

    access_selector: Annotated[int, UNSIGNED8]
    access_parameters: Annotated[bytes, RAW_DATA]


@declared
class CosemAttributeDescriptorWithSelection:
    """One attribute of a list, with the part of it that is wanted."""

    cosem_attribute_descriptor: CosemAttributeDescriptor
    access_selection: Annotated[SelectiveAccess | None, optional(SelectiveAccess.CODEC)] = None
