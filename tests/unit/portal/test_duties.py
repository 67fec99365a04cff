"""Duties of operators: every route is opened by some and closed to the others, and the docs list them all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from openami.backoffice.audit.entry import Kind
from openami.model.errors import SettingError
from openami.portal.accounts import Role, role_of, role_text
from openami.portal.app import accounts_of
from openami.portal.duties import EVERY_DUTY, Duty, duties_of, home_of, routes_by_duty
from portal_world import PASSWORD, browser, log_in, make_district, make_operations, make_two_seals, make_world_portal

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "roles.md"


@pytest.fixture(scope="module")
def portal(tmp_path_factory):
    district = make_district(tmp_path_factory.mktemp("district"))
    operations = make_operations(district)
    seals = make_two_seals(district, operations, Path("seals"))
    seals.audit.enter(Kind.KEY, "operator", "operator", "registered a passkey")
    made = make_world_portal(district, operations, seals.console, seals.audit)
    for duty in Duty:
        accounts_of(made).add(f"one-{duty.value}", PASSWORD, Role.OPERATOR, duties=frozenset({duty}))
    return made


def address_of(path):
    values = {"point": "1", "meter": "1", "campaign": "1", "number": "1", "index": "0", "consumer": "1"}
    values |= {"view": "day", "name": "00" * 16, "digest": "00", "verdict": "release"}
    address = re.sub(r"{(\w+):\w+}", lambda part: values[part.group(1)], path)
    return address + ("?meter=1&verb=disconnect" if address.endswith("/ask") else "")


def test_no_route_of_operators_is_without_a_duty(portal):
    routes = routes_by_duty(portal)
    assert len(routes) >= 25
    assert all(duties for _, _, duties in routes)


@pytest.mark.parametrize("duty", list(Duty))
async def test_each_duty_opens_what_it_should_and_nothing_else(portal, duty):
    async with browser(portal) as client:
        await log_in(client, f"one-{duty.value}")
        assert (await client.get("/")).headers["location"] == home_of({duty})
        page = await client.get(home_of({duty}))
        assert page.status_code == 200
        for method, path, opening in routes_by_duty(portal):
            address = address_of(path)
            with capture_logs() as logs:
                answer = await client.request(method, address, **({"data": {}} if method == "POST" else {}))
            refused = any(entry["event"] == "refused for want of a duty" for entry in logs)
            assert refused is (duty.value not in opening), (method, path)
            assert not refused or answer.status_code == 403
        for target in re.findall(r'href="(/operator[^"#?]*)"', page.text.partition("</nav>")[0]):
            assert (await client.get(target)).status_code == 200, f"the menu shows {target}"


def test_a_route_that_names_no_duty_is_closed():
    assert not duties_of({}) & EVERY_DUTY


def test_duties_are_kept_beside_the_role():
    some = frozenset({Duty.READER, Duty.PRIVACY_OFFICER})
    assert role_of(role_text(Role.OPERATOR, some)) == (Role.OPERATOR, some)
    assert role_of("operator") == (Role.OPERATOR, EVERY_DUTY), "accounts of older versions"
    assert role_of("operator of-something-newer") == (Role.OPERATOR, frozenset())
    assert role_text(Role.CONSUMER, EVERY_DUTY) == "consumer"


def test_duties_change_and_are_never_none(portal):
    accounts = accounts_of(portal)
    accounts.add("changing", PASSWORD, Role.OPERATOR)
    accounts.set_duties("changing", frozenset({Duty.APPROVER}))
    assert accounts.find("changing").duties == {Duty.APPROVER}
    for login, duties in (("changing", frozenset()), ("anna", frozenset({Duty.READER})), ("nobody", EVERY_DUTY)):
        with pytest.raises(SettingError):
            accounts.set_duties(login, duties)
    with pytest.raises(SettingError, match="without a duty"):
        accounts.add("none", PASSWORD, Role.OPERATOR, duties=frozenset())


def test_the_docs_list_every_route(portal):
    page = PAGE.read_text()
    for method, path, duties in routes_by_duty(portal):
        shown = re.sub(r"{(\w+):\w+}", r"{\1}", path)
        assert f"| {method} | `{shown}` | {', '.join(duties)} |" in page, f"{method} {shown} {duties}"
