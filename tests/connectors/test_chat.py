import json

import pytest
from pytest_httpserver import HTTPServer

from streams.connectors.chat import Chat, ChatSink, message
from streams.connectors.outcome import Delivered
from tests.connectors.conftest import settings_of, shipped
from tests.connectors.handoffs import event, handoff, update


def chat(text: str) -> Chat:
    made = settings_of(text)
    assert isinstance(made, Chat)
    return made


@pytest.mark.parametrize("app", ["slack", "teams"])
def test_the_shipped_messages_tell_nobody_who_it_is(app: str) -> None:
    settings = chat(shipped(app))
    for value in (handoff(0, message="秘密", phone="+81 3"), update(0, "new_request", message="秘密"), update(0)):
        told = json.dumps(message(event(value), settings), ensure_ascii=False)
        assert not any(text in told for text in ("美香", 'example.jp"', "秘密", "+81"))
    assert "例示製作所" in json.dumps(message(event(handoff(0)), settings), ensure_ascii=False)


def test_a_message_cannot_mention_everyone_or_hide_a_link() -> None:
    settings = chat("kind: chat\napp: slack\nurl: {env: X}\npersonal_data: true\ntext: '{message}'\n")
    told = message(event(handoff(0, message="<!channel> <http://evil|click> &")), settings)
    assert told is not None
    assert told["blocks"][0]["text"]["text"] == "&lt;!channel&gt; &lt;http://evil|click&gt; &amp;"


def test_a_change_without_a_template_says_nothing() -> None:
    assert message(event(update(0, "merged")), chat(shipped("slack"))) is None


async def test_it_is_posted_as_the_app_wants_it(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAMS_WEBHOOK_URL", httpserver.url_for("/flow"))
    httpserver.expect_request("/flow").respond_with_data("", 202)
    sink = ChatSink(chat(shipped("teams")))
    await sink.open()
    assert await sink.deliver([event(handoff(0))]) == [Delivered()]
    await sink.close()
    card = httpserver.log[0][0].get_json()["attachments"][0]["content"]
    assert card["body"][0]["inlines"][0]["text"] == "New lead for sales: 例示製作所"
