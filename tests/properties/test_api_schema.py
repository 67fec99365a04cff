"""Whatever is asked of the public interface, its answers are those that its OpenAPI document describes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from openami.portal.api.app import make_api
from openami.portal.api.tokens import Scope, Tokens
from portal_world import make_district

ALDER = "UK0001000000000001"
EXAMPLES = 25


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    district = make_district(tmp_path_factory.mktemp("schema"))
    now = datetime.fromtimestamp(district.wall.time(), UTC)
    times = (now, now + timedelta(days=1))
    secret = Tokens(district.store).make("any", list(Scope), None, times, lambda count: b"t" * count)
    return make_api(district.store, district.registry, district.mdm, district.clock, district.wall), secret


def test_answers_are_as_described(world):
    api, secret = world
    schema = schemathesis.openapi.from_asgi("/openapi.json", api)
    tried = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        for real in (False, True) if "{point}" in operation.path else (False,):
            tried += _try(operation, secret, real=real)
    assert tried >= 11 * EXAMPLES // 5


def _try(operation, secret, *, real):
    """Requests made from the document, of any point or of one that is there; how many."""
    count = 0

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def asked(case):
        nonlocal count
        count += 1
        if real:
            case.path_parameters["point"] = ALDER
        case.call_and_validate(headers={"authorization": f"Bearer {secret}"})

    asked()
    return count
