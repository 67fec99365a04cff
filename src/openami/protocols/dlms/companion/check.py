"""How a meter, as one client sees it, deviates from a companion profile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from openami.model.errors import SettingError
from openami.model.obis import ObisCode
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.companion.profile import CompanionProfile, ProfileObject
from openami.protocols.dlms.cosem.describe import describe
from openami.protocols.dlms.cosem.object_model import ModelObject, ObjectModel


class DeviationKind(StrEnum):
    """What is not as the profile says."""

    AUTHENTICATION = "authentication"
    MISSING_OBJECT = "missing object"
    EXTRA_OBJECT = "extra object"
    CLASS = "class"
    VERSION = "version"
    MISSING_ATTRIBUTE = "missing attribute"
    MISSING_METHOD = "missing method"
    ACCESS = "access"


@dataclass(frozen=True, slots=True)
class Deviation:
    """One deviation: where, what the profile says, and what the meter has. No name: the association itself."""

    kind: DeviationKind
    logical_name: ObisCode | None
    member: str
    profile: str
    meter: str


def deviations(
    profile: CompanionProfile, model: ObjectModel, client_sap: int, authentication: Authentication
) -> Iterator[Deviation]:
    """All deviations, in the profile's order, extra objects last.

    Raises `SettingError` if the profile does not know the client: what it should see is not said then.
    """
    client = profile.clients.get(client_sap)
    if client is None:
        known = ", ".join(f"{number} {one.name}".rstrip() for number, one in sorted(profile.clients.items()))
        raise SettingError(f"profile {profile.name!r} has no client {client_sap}; it has {known}")
    asked = client.authentication
    if asked is not None and asked is not authentication:
        yield Deviation(DeviationKind.AUTHENTICATION, None, "", asked.name.lower(), authentication.name.lower())
    wanted_objects = {one.logical_name: one for one in profile.objects if one.seen_by(client_sap)}
    for name, one in wanted_objects.items():
        found = model.get(name)
        if found is not None:
            yield from _of_object(one, found, client_sap)
        elif not one.optional:
            yield Deviation(DeviationKind.MISSING_OBJECT, name, "", _class(one.class_id), "")
    if profile.extra_reported:
        yield from _extra(wanted_objects, model)


def _extra(wanted: Mapping[ObisCode, ProfileObject], model: ObjectModel) -> Iterator[Deviation]:
    for found in model:
        if found.logical_name not in wanted:
            yield Deviation(DeviationKind.EXTRA_OBJECT, found.logical_name, "", "", _class(found.class_id))


def _of_object(one: ProfileObject, found: ModelObject, client_sap: int) -> Iterator[Deviation]:
    name = one.logical_name
    if found.class_id != one.class_id:
        yield Deviation(DeviationKind.CLASS, name, "", _class(one.class_id), _class(found.class_id))
        return
    if one.versions and found.version not in one.versions:
        versions = " or ".join(map(str, one.versions))
        yield Deviation(DeviationKind.VERSION, name, "", versions, str(found.version))
    rights = one.rights_of(client_sap)
    known = describe(found.class_id, found.version)
    attributes = {attribute.number: attribute.rights for attribute in found.attributes}
    for number, wanted in sorted(rights.attributes.items()):
        member = f"{number} {known.attribute_name(number)}"
        yield from _right(name, member, wanted, attributes.get(number), DeviationKind.MISSING_ATTRIBUTE)
    methods = {method.number: method.rights for method in found.methods}
    names = {method.number: method.name for method in known.methods}
    for number, wanted in sorted(rights.methods.items()):
        member = f"method {number} {names.get(number, '')}".rstrip()
        yield from _right(name, member, wanted, methods.get(number), DeviationKind.MISSING_METHOD)


def _right(name: ObisCode, member: str, wanted: str, has: str | None, missing: DeviationKind) -> Iterator[Deviation]:
    if has is None:
        if wanted not in {"-", "-+"}:
            yield Deviation(missing, name, member, wanted, "")
    elif not _fits(wanted, has):
        yield Deviation(DeviationKind.ACCESS, name, member, wanted, has)


def _fits(wanted: str, has: str) -> bool:
    least = set(wanted.removesuffix("+")) - {"-"}
    given = set(has) - {"-"}
    return least <= given if wanted.endswith("+") else least == given


def _class(class_id: int) -> str:
    return f"{class_id} {describe(class_id, 0).name}"
