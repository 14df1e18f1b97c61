"""Who may see what: tokens, proxies, names under which the console answers, forms of others, masks."""

import hashlib
import json
from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from streams.console import access
from streams.console.access import RIGHTS, Access, Person, Proxy, Right, Role, Token, by_proxy, by_token
from streams.console.guard import POLICY
from streams.console.session import Sessions
from tests.console.shelf import HOSTILE, Shelf, shelf

TOKENS = {role: f"token of {role.value}" for role in Role}


def known(**more: Any) -> Access:
    tokens = {
        role.value: Token(sha256=hashlib.sha256(token.encode()).hexdigest(), roles=frozenset({role}))
        for role, token in TOKENS.items()
    }
    return Access(tokens=tokens, secure=False, **more)


Client = TestClient[Any, Any]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    return shelf(tmp_path_factory.mktemp("access"))


@pytest.fixture
async def client(filled: Shelf) -> AsyncIterator[Client]:
    async with TestClient(TestServer(filled.app(known()))) as found:
        yield found


def bearer(role: Role) -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKENS[role]}"}


PAGES = {
    "/": Right.LOOK,
    "/leads": Right.LOOK,
    "/accounts": Right.LOOK,
    "/api/v1/now": Right.LOOK,
    "/api/v1/leads": Right.LOOK,
    "/model": Right.MODEL,
    "/api/v1/leads?names": Right.PERSONAL,
    f"/leads/{HOSTILE}/export": Right.PRIVACY,
    "/operations": Right.OPERATE,
}


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("role", Role)
async def test_a_role_opens_its_pages_and_no_others(client: Client, role: Role, path: str) -> None:
    answer = await client.get(path, headers=bearer(role))
    assert (answer.status != 403) == (PAGES[path] in RIGHTS[role])


@pytest.mark.parametrize("path", [*PAGES, "/events", f"/leads/{HOSTILE}"])
async def test_nobody_sees_anything_without_a_token(client: Client, path: str) -> None:
    answer = await client.get(path, allow_redirects=False)
    assert answer.status in (303, 401)
    assert "Looms" not in await answer.text()


async def test_a_wrong_token_is_refused_and_the_right_one_opens_a_session_that_can_be_ended(
    client: Client,
) -> None:
    origin = {"Origin": f"http://{client.host}:{client.port}"}
    wrong = await client.post("/login", data={"token": "guess"}, headers=origin)
    assert wrong.status == 403
    entered = await client.post(
        "/login", data={"token": TOKENS[Role.SALES]}, headers=origin, allow_redirects=False
    )
    assert entered.status == 303
    cookie = entered.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite" in cookie
    page = await client.get("/leads")
    assert page.status == 200
    sign = (await page.text()).partition('name="sign" value="')[2].partition('"')[0]
    assert (await client.post("/logout", data={"sign": "not ours"})).status == 403
    await client.post("/logout", data={"sign": sign})
    assert (await client.get("/leads", allow_redirects=False)).status == 303


async def test_a_form_of_another_site_changes_nothing(client: Client) -> None:
    data, foreign = {"token": TOKENS[Role.SALES]}, {"Origin": "https://evil.example"}
    assert (await client.post("/login", data=data, headers=foreign)).status == 403
    assert (await client.post("/login", data=data)).status == 403


async def test_where_nothing_is_configured_a_form_needs_our_sign_all_the_same(filled: Shelf) -> None:
    async with TestClient(TestServer(filled.app(None))) as client:
        form = {"stages.sql.enter": "60"}
        assert (await client.post("/model/trials", data=form)).status == 403
        foreign = {"Origin": "http://evil.example"}
        body = json.dumps({"stages.sql.enter": 60})
        json_of_a_stranger = {**foreign, "Content-Type": "application/json"}
        assert (await client.post("/api/v1/model/trials", data=body, headers=json_of_a_stranger)).status == 403


async def test_a_name_that_was_made_to_point_here_reads_nothing(client: Client) -> None:
    answer = await client.get("/api/v1/leads", headers={**bearer(Role.SALES), "Host": "evil.example"})
    assert answer.status == 421


@pytest.mark.parametrize("path", ["/", "/leads", "/static/console.css", "/nowhere", "/api/v1/leads"])
async def test_every_answer_forbids_what_is_not_ours(client: Client, path: str) -> None:
    answer = await client.get(path, headers=bearer(Role.SALES))
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert "unsafe" not in POLICY
    assert "http" not in POLICY
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("role", [Role.MARKETING, Role.OPERATOR])
async def test_names_addresses_and_messages_are_hidden_from_who_needs_none(
    client: Client, filled: Shelf, role: Role
) -> None:
    for path in ("/", "/leads", "/leads.csv", f"/leads/{filled.plain}", f"/accounts/{filled.account}"):
        text = await (await client.get(path, headers=bearer(role))).text()
        for secret in ("Ada", "ada@looms.example", "555 0100", "Head of Operations", "for our plant"):
            assert secret not in text, path
        open_text = await (await client.get(path, headers=bearer(Role.SALES))).text()
        assert "Ada" in open_text, path


@pytest.mark.parametrize("role", [Role.MARKETING, Role.OPERATOR])
async def test_who_may_not_see_identities_cannot_ask_for_one(client: Client, role: Role) -> None:
    assert (await client.get("/leads/ada@looms.example", headers=bearer(role))).status == 404
    assert (await client.get("/leads/ada@looms.example", headers=bearer(Role.SALES))).status == 200
    found = await (await client.get("/api/v1/leads?q=Ada", headers=bearer(role))).json()
    assert found["leads"] == []


async def test_each_look_at_a_person_is_one_line_without_personal_data(client: Client, filled: Shelf) -> None:
    before = filled.audit.read_text().count("\n")
    await client.get("/leads/ada@looms.example", headers=bearer(Role.SALES))
    await client.get(f"/leads/{filled.plain}", headers=bearer(Role.MARKETING))
    lines = [json.loads(line) for line in filled.audit.read_text().splitlines()[before:]]
    assert [(one["who"], one["what"], one["of"], one["masked"]) for one in lines] == [
        ("sales", "look_at_lead", filled.plain, False),
        ("marketing", "look_at_lead", filled.plain, True),
    ]
    assert "@" not in filled.audit.read_text()


PROXY = Proxy(
    addresses=(ip_network("10.0.0.0/8"),),
    roles={"crm": frozenset({Role.SALES}), "ops": frozenset({Role.OPERATOR})},
)
ANNA = {"X-Forwarded-User": "anna@firm.example", "X-Forwarded-Groups": "crm, other"}


def test_only_a_named_proxy_says_who_somebody_is() -> None:
    found = by_proxy(known(proxy=PROXY), "10.1.2.3", ANNA, b"pepper")
    assert found is not None
    assert found.roles == {Role.SALES}
    assert "anna" not in found.name
    assert by_proxy(known(proxy=PROXY), "192.0.2.1", ANNA, b"pepper") is None
    assert by_proxy(known(proxy=PROXY), None, ANNA, b"pepper") is None
    assert by_proxy(known(), "10.1.2.3", ANNA, b"pepper") is None


def test_a_user_without_a_group_that_has_a_role_is_nobody() -> None:
    assert by_proxy(known(proxy=PROXY), "10.1.2.3", {**ANNA, "X-Forwarded-Groups": "guests"}, b"") is None
    assert by_proxy(known(proxy=PROXY), "10.1.2.3", {"X-Forwarded-Groups": "crm"}, b"") is None


def test_a_token_is_known_by_its_digest_alone() -> None:
    found = by_token(known(), TOKENS[Role.PRIVACY])
    assert found == Person("privacy", frozenset({Role.PRIVACY}), "token")
    assert by_token(known(), hashlib.sha256(TOKENS[Role.PRIVACY].encode()).hexdigest()) is None


def test_a_session_ends_with_its_time() -> None:
    clock = [0.0]
    sessions = Sessions(lambda: clock[0])
    person = Person("anna", frozenset({Role.SALES}), "token")
    cookie = sessions.begin(person)
    assert sessions.person(cookie) == person
    assert sessions.person(None) is None
    clock[0] = 13 * 3600
    assert sessions.person(cookie) is None


def test_a_wrong_file_is_told_in_one_line_without_its_values(tmp_path: Path) -> None:
    path = tmp_path / "access.toml"
    path.write_text('[tokens.anna]\nsha256 = "plain-secret"\nroles = ["sales"]\n')
    told = access.load(path)
    assert isinstance(told, str)
    assert "tokens.anna.sha256" in told
    assert "plain-secret" not in told
    assert "\n" not in told
