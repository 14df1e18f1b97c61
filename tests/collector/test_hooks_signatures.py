"""Who may call: signatures that the providers' own libraries accepted are accepted, and nothing else is."""

import asyncio
import json
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any, NamedTuple

import pytest
from aiohttp import web
from pydantic import SecretStr

from streams.collector.hooks import sns
from streams.collector.hooks.amazon import Fetcher, fetch
from streams.collector.hooks.forms import Forms, load_forms
from streams.collector.hooks.routes import hook_routes
from streams.collector.hooks.settings import Hook, HookFile
from streams.collector.mapping import Mapping
from streams.collector.request import Adapted, Adapter, Answer, Refusal, RequestParts
from tests.collector.hook_samples import made_at, request, sample, signed

MINUTE = 60_000
OTHER_SENDGRID_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eN"
    "Ec6wEA3F+g=="
)


class Amazon:
    """Has the recorded certificate, once it was asked for."""

    def __init__(self, certificate: bytes | None) -> None:
        self.has = certificate
        self.asked: list[str] = []
        self.confirmed: list[str] = []

    def certificate(self, url: str) -> bytes | None:
        self.asked.append(url)
        return self.has

    def confirm(self, url: str) -> None:
        self.confirmed.append(url)


class Case(NamedTuple):
    """A recorded request, its secret, and whether its signature has a time."""

    provider: str
    secret: str
    body: str
    headers: dict[str, str]
    timed: bool


def _cases() -> list[Case]:
    found = signed()
    grid, flow, gun, form, tally = (
        found[name] for name in ("sendgrid", "webflow", "mailgun", "typeform", "tally")
    )
    head = "X-Twilio-Email-Event-Webhook-"
    return [
        Case(
            "sendgrid",
            grid["key"],
            grid["body"],
            {f"{head}Signature": grid["signature"], f"{head}Timestamp": grid["timestamp"]},
            True,
        ),
        Case("mailgun", gun["key"], gun["body"], {}, True),
        Case(
            "webflow",
            flow["secret"],
            flow["body"],
            {"X-Webflow-Signature": flow["signature"], "X-Webflow-Timestamp": flow["timestamp"]},
            True,
        ),
        Case("typeform", form["secret"], form["body"], {"typeform-signature": form["signature"]}, False),
        Case("tally", tally["secret"], tally["body"], {"tally-signature": tally["signature"]}, False),
    ]


CASES = pytest.mark.parametrize("case", _cases(), ids=lambda case: case.provider)


def forms() -> Forms:
    loaded = load_forms()
    assert isinstance(loaded, Forms), loaded
    return loaded


def adapter(mapping: Mapping, provider: str, *secrets: str, amazon: Any = None, **more: Any) -> Adapter:
    """The adapter of one hook named `caller`."""
    hook = Hook(name="caller", provider=provider, secrets=[SecretStr(one) for one in secrets], **more)
    routes = hook_routes(HookFile(hooks=[hook]), forms(), mapping, amazon or Amazon(None))
    assert not isinstance(routes, str), routes
    return routes[0].adapt


def is_refused(outcome: object) -> bool:
    return isinstance(outcome, Refusal) and outcome.status == 401


@CASES
def test_a_request_that_the_provider_signed_is_taken(mapping: Mapping, case: Case) -> None:
    outcome = adapter(mapping, case.provider, case.secret)(request(case.body, case.headers), made_at())
    assert isinstance(outcome, Adapted), outcome
    assert outcome.events
    assert outcome.dead == []
    assert outcome.source.name == "caller"


@CASES
def test_either_of_two_live_secrets_will_do(mapping: Mapping, case: Case) -> None:
    other = OTHER_SENDGRID_KEY if case.provider == "sendgrid" else "another-secret"
    for secrets in ((other, case.secret), (case.secret, other)):
        outcome = adapter(mapping, case.provider, *secrets)(request(case.body, case.headers), made_at())
        assert isinstance(outcome, Adapted)


@CASES
def test_another_secret_is_refused(mapping: Mapping, case: Case) -> None:
    other = OTHER_SENDGRID_KEY if case.provider == "sendgrid" else "another-secret"
    assert is_refused(adapter(mapping, case.provider, other)(request(case.body, case.headers), made_at()))


@CASES
def test_a_changed_body_is_refused(mapping: Mapping, case: Case) -> None:
    adapt = adapter(mapping, case.provider, case.secret)
    if case.provider == "mailgun":  # its signature covers the token only: the token is good for one body
        assert isinstance(adapt(request(case.body, case.headers), made_at()), Adapted)
    assert is_refused(adapt(request(case.body.replace("mika", "miko") + " ", case.headers), made_at()))
    if case.provider == "mailgun":
        assert isinstance(adapt(request(case.body, case.headers), made_at()), Adapted)


@CASES
def test_a_recorded_request_is_worthless_after_five_minutes(mapping: Mapping, case: Case) -> None:
    adapt = adapter(mapping, case.provider, case.secret)
    for offset, taken in ((-6 * MINUTE, False), (-4 * MINUTE, True), (4 * MINUTE, True), (6 * MINUTE, False)):
        outcome = adapt(request(case.body, case.headers), made_at() + offset)
        assert isinstance(outcome, Adapted) == (taken or not case.timed)


@CASES
def test_without_its_signature_it_is_refused(mapping: Mapping, case: Case) -> None:
    body = case.body.replace('"signature":"', '"signature":"0') if case.provider == "mailgun" else case.body
    for headers in ({}, dict.fromkeys(case.headers, ""), dict.fromkeys(case.headers, "sha256=é\udcff")):
        assert is_refused(adapter(mapping, case.provider, case.secret)(request(body, headers), made_at()))


def test_sendgrids_own_vector_is_accepted(mapping: Mapping) -> None:
    # From the tests of the library sendgrid (PyPI 6.12), which has it from a webhook that SendGrid sent.
    body = (
        '[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address","sg_event_id":"ZHJvcC0xMDk5NDkxO'
        'S1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA","sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl'
        '-18-5F5FC76C-9.0","smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}'
        "]\r\n"
    )
    signature = "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM="
    head = "X-Twilio-Email-Event-Webhook-"
    headers = {f"{head}Signature": signature, f"{head}Timestamp": "1600112502"}
    adapt = adapter(mapping, "sendgrid", OTHER_SENDGRID_KEY)
    assert isinstance(adapt(request(body, headers), 1600112502_000), Adapted)
    assert is_refused(adapt(request(body[:-2], headers), 1600112502_000))


PRESENTED: list[Callable[[str], RequestParts]] = [
    lambda secret: request("{}", {"Authorization": f"Bearer {secret}"}),
    lambda secret: request("{}", {"Authorization": "Basic " + b64encode(secret.encode()).decode()}),
    lambda secret: request("{}", rest=secret),
    lambda secret: request("{}", token=secret),
]


@pytest.mark.parametrize("provider", ["postmark", "brevo"])
@pytest.mark.parametrize("present", PRESENTED, ids=["bearer", "basic", "path", "query"])
def test_a_token_may_be_presented_in_four_ways_and_kept_by_its_hash(
    mapping: Mapping, provider: str, present: Callable[[str], RequestParts]
) -> None:
    hashed = "sha256:" + sha256(b"user:secret-1").hexdigest()
    for secrets in (("user:secret-1",), ("other-one", "user:secret-1"), (hashed,)):
        adapt = adapter(mapping, provider, *secrets)
        assert isinstance(adapt(present("user:secret-1"), made_at()), Adapted)
        for wrong in ("user:secret-2", "user", "é\udcff", hashed):
            try:
                parts = present(wrong)
            except UnicodeEncodeError:
                continue
            assert is_refused(adapt(parts, made_at()))


def test_a_token_is_not_asked_of_whom_has_none(mapping: Mapping) -> None:
    assert is_refused(adapter(mapping, "postmark", "secret-1")(request("{}"), made_at()))
    assert is_refused(adapter(mapping, "postmark", "secret-1")(request("{}", {"Authorization": "Basic %"}), 0))


def ses(mapping: Mapping, amazon: Any, *topics: str) -> Adapter:
    return adapter(mapping, "ses", *(topics or (signed()["sns"]["topic"],)), amazon=amazon)


def having_it() -> Amazon:
    return Amazon(signed()["sns"]["certificate"].encode())


def test_what_amazon_signed_is_taken_with_either_version(mapping: Mapping) -> None:
    adapt, told = ses(mapping, having_it()), 0
    for body in signed()["sns"]["notifications"]:
        outcome = adapt(request(body), made_at())
        assert isinstance(outcome, Adapted), outcome
        assert outcome.dead == []
        told += len(outcome.events)
    assert told == 7


def test_an_hour_old_notification_is_still_amazons_repeat_and_an_older_one_is_not(mapping: Mapping) -> None:
    body = signed()["sns"]["notifications"][1]
    assert isinstance(ses(mapping, having_it())(request(body), made_at() + 59 * MINUTE), Adapted)
    assert is_refused(ses(mapping, having_it())(request(body), made_at() + 61 * MINUTE))


def test_a_changed_notification_is_refused(mapping: Mapping) -> None:
    adapt = ses(mapping, having_it())
    body = signed()["sns"]["notifications"][1]
    for before, after in (("mika", "miko"), ("m-1", "m-2"), ("eu-west-1:1234", "eu-west-1:1235"), ('"2"', '"1"')):
        assert before in body
        assert is_refused(adapt(request(body.replace(before, after)), made_at()))


def test_another_accounts_topic_is_refused_although_amazon_signed_it(mapping: Mapping) -> None:
    amazon = having_it()
    adapt = ses(mapping, amazon, "arn:aws:sns:eu-west-1:999999999999:mail")
    assert is_refused(adapt(request(signed()["sns"]["notifications"][1]), made_at()))
    assert amazon.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.test/SimpleNotificationService-0.pem",
        "https://evil.test/sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0.pem",
        "https://bucket.s3.amazonaws.com/SimpleNotificationService-0.pem",
        "https://user@sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-0.pem",
        "https://sns.eu-west-1.amazonaws.com/../SimpleNotificationService-0.pem",
        "file:///etc/passwd",
    ],
)
def test_a_certificate_is_fetched_from_amazon_and_from_nowhere_else(mapping: Mapping, url: str) -> None:
    amazon, found = having_it(), signed()["sns"]
    body = found["notifications"][1].replace(found["certificate_url"], url)
    assert is_refused(ses(mapping, amazon)(request(body), made_at()))
    assert amazon.asked == []


def test_before_the_certificate_is_here_the_sender_is_told_to_come_again(mapping: Mapping) -> None:
    amazon = Amazon(None)
    outcome = ses(mapping, amazon)(request(signed()["sns"]["notifications"][1]), made_at())
    assert isinstance(outcome, Refusal)
    assert outcome.status == 503
    assert amazon.asked == [signed()["sns"]["certificate_url"]]


def test_a_certificate_vouches_in_its_time_only() -> None:
    envelope = sns.parse(signed()["sns"]["notifications"][1].encode())
    assert isinstance(envelope, sns.Envelope)
    certificate = signed()["sns"]["certificate"].encode()
    century = 100 * 366 * 24 * 60 * MINUTE
    for offset, valid in ((0, True), (-2 * MINUTE, False), (century, False)):
        assert sns.is_signed(envelope, certificate, made_at() + offset) == valid


def test_a_certificate_that_is_none_vouches_for_nothing(mapping: Mapping) -> None:
    body = signed()["sns"]["notifications"][1]
    assert is_refused(ses(mapping, Amazon(b"-----BEGIN CERTIFICATE-----\nno"))(request(body), made_at()))
    assert is_refused(ses(mapping, Amazon(b""))(request(body), made_at()))


def test_a_subscription_to_our_topic_is_confirmed_and_to_another_not(mapping: Mapping) -> None:
    found, amazon = signed()["sns"], having_it()
    assert isinstance(ses(mapping, amazon)(request(found["confirmation"]), made_at()), Answer)
    assert amazon.confirmed == [found["subscribe_url"]]
    stranger = having_it()
    adapt = ses(mapping, stranger, "arn:aws:sns:eu-west-1:999999999999:mail")
    assert is_refused(adapt(request(found["confirmation"]), made_at()))
    forged = found["confirmation"].replace("https://sns.eu-west-1.amazonaws.com/?", "https://evil.test/?")
    assert is_refused(ses(mapping, stranger)(request(forged), made_at()))
    assert stranger.confirmed == []


async def test_the_fetcher_asks_once_remembers_and_never_waits() -> None:
    asked: list[str] = []

    async def answers(url: str) -> bytes | None:
        asked.append(url)
        await asyncio.sleep(0)
        return None if "lost" in url else url.encode()

    fetcher = Fetcher(answers)
    assert fetcher.certificate("https://a") is None
    assert fetcher.certificate("https://a") is None
    fetcher.confirm("https://lost")
    await fetcher.settle()
    assert fetcher.certificate("https://a") == b"https://a"
    assert asked == ["https://a", "https://lost"]
    for number in range(20):
        fetcher.certificate(f"https://{number}")
    await fetcher.settle()
    assert len(asked) == 6


@pytest.mark.parametrize(
    ("status", "pieces", "whole"), [(200, 3, True), (404, 3, False), (302, 3, False), (200, 200, False)]
)
async def test_an_answer_is_read_whole_or_not_at_all(status: int, pieces: int, whole: bool) -> None:
    async def serve(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(status=status, headers={"Location": "http://127.0.0.1:1/"})
        await response.prepare(request)
        for _ in range(pieces):
            await response.write(b"x" * 1000)
            await asyncio.sleep(0)
        return response

    runner = web.ServerRunner(web.Server(serve))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        found = await fetch(f"http://127.0.0.1:{runner.addresses[0][1]}/")
    finally:
        await runner.cleanup()
    assert found == (b"x" * 1000 * pieces if whole else None)
    assert await fetch("http://127.0.0.1:1/") is None


def test_a_form_tools_own_signature_is_checked_as_the_hook_says(mapping: Mapping) -> None:
    sign = {"header": "X-Signature", "encoding": "hex", "prefix": "sha256="}
    adapt = adapter(mapping, "form", "form-secret", form="contact", signature=sign)
    body = "email=mika%40firm.example&message=hello"
    # printf 'email=mika%%40firm.example&message=hello' | openssl dgst -sha256 -hmac form-secret
    good = "sha256=1475e40f24b1cd4ac9204f88deb1bcac516a6ee3fe5423a97f70efedbf377153"
    assert isinstance(adapt(request(body, {"X-Signature": good}, rest="contact"), made_at()), Adapted)
    for headers in ({"X-Signature": good.removeprefix("sha256=")}, {"X-Signature": good[:-1] + "4"}, {}):
        assert is_refused(adapt(request(body, headers, rest="contact"), made_at()))
    assert is_refused(adapt(request(body + "!", {"X-Signature": good}, rest="contact"), made_at()))
    assert is_refused(adapt(request(body, {"X-Signature": good}, rest="other"), made_at()))
    assert is_refused(adapt(request(body, {}, rest="contact/form-secret"), made_at()))


def test_a_form_without_a_signature_shows_a_token(mapping: Mapping) -> None:
    adapt = adapter(mapping, "form", "form-secret", form="contact")
    body = '{"email": "mika@firm.example"}'
    assert isinstance(adapt(request(body, rest="contact/form-secret"), made_at()), Adapted)
    assert isinstance(adapt(request(body, rest="contact", token="form-secret"), made_at()), Adapted)
    assert is_refused(adapt(request(body, rest="contact"), made_at()))
    assert is_refused(adapt(request(body, rest="form-secret"), made_at()))
    assert is_refused(adapt(request(body, rest="contact/wrong-secret"), made_at()))


def test_samples_hold_what_the_signatures_were_made_over() -> None:
    for name in ("sendgrid", "typeform", "tally", "webflow"):
        assert json.loads(signed()[name]["body"]) == sample(name)
