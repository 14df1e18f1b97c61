"""The demo's stories on the core alone: the collector's adapters, then the shards in memory. No Kafka."""

import json
from base64 import b64encode
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from streams import model_file, topics
from streams.changes import Effect
from streams.collector.hooks.routes import load_routes
from streams.collector.mapping import Mapping, load_mapping
from streams.collector.records import event_record, seal
from streams.collector.request import Adapted, RequestParts, Route
from streams.collector.routes import tracker_routes
from streams.collector.write_keys import AnyKey
from streams.demo import posting
from streams.demo.journey import Call
from streams.demo.watch import Watch
from streams.identity.keys import Secret
from streams.local import Local
from streams.scoring.model import Model
from streams.shard import Terms

PARTITIONS = 4


class Stage:
    """A pipeline in memory; `watch` sees what the demo's would."""

    def __init__(self, secret: Secret, directory: Path, model: str = "b2b") -> None:
        found, mapping = model_file.load(model), load_mapping()
        assert isinstance(found, Model), found
        assert isinstance(mapping, Mapping), mapping
        hooks = directory / "hooks.toml"
        hooks.write_text(posting.HOOKS)
        hooked = load_routes(hooks, None, mapping)
        assert not isinstance(hooked, str), hooked
        routes: list[Route] = [*tracker_routes(AnyKey(), mapping), *hooked]
        self._routes = {route.path.removesuffix("/*"): route for route in routes}
        self._secret = secret
        self.local = Local(Terms(found, secret), PARTITIONS)
        self.watch = Watch(None)
        self.events = 0
        self._seen: dict[str, int] = {}

    def play(self, calls: Iterable[Call], now: int) -> None:
        """The calls one after another, all of them arriving now (Unix ms)."""
        for call in calls:
            adapted = self._adapt(call, now)
            seal(adapted, now)
            partitions = dict.fromkeys(topics.INPUTS, PARTITIONS)
            for event in adapted.events:
                record = event_record(event, self._secret, partitions)
                self.events += 1
                self.local.feed(record.topic, record.value, now, record.partition)
            for dead in adapted.dead:
                self.watch.read_dead(str(dead.reason.value), dead.detail)
            self._look(now)

    def _adapt(self, call: Call, now: int) -> Adapted:
        if call.method in posting.PATHS:
            path, user = posting.PATHS[call.method]
            document = {**call.content, "event_id": call.id}
        else:
            path, user = "/v1/batch", f"{call.sender}:"
            document = {"batch": [segment(call)], "sentAt": _time(now)}
        authorization = "Basic " + b64encode(user.encode()).decode()
        route = self._routes[path]
        body = json.dumps(document).encode()
        adapted = route.adapt(RequestParts(route.name, body, authorization), now)
        assert isinstance(adapted, Adapted), (call, adapted)
        return adapted

    def _look(self, now: int) -> None:
        for effect in self._new(topics.LEAD_TRANSITIONS):
            self.watch.read_transition(effect.value or b"")
        for effect in self._new(topics.SALES_HANDOFFS):
            self.watch.read_handoff(effect.value or b"", now)
        for effect in self._new(topics.DEAD_LETTERS):
            self.watch.read_dead(dict(effect.headers)["reason"].decode(), "")

    def _new(self, topic: str) -> list[Effect]:
        effects = self.local.outputs.get(topic, [])
        seen, self._seen[topic] = self._seen.get(topic, 0), len(effects)
        return effects[seen:]


def segment(call: Call) -> dict[str, Any]:
    """A call as the Segment SDK for Python writes it."""
    ids = {{"user_id": "userId", "anonymous_id": "anonymousId"}[name]: value for name, value in call.who.items()}
    content = {"traits" if call.method == "identify" else "properties": dict(call.content)}
    common = {
        "type": call.method,
        "messageId": call.id,
        "timestamp": _time(call.at),
        "context": dict(call.context),
    }
    named = {"page": {"name": call.name}, "track": {"event": call.name}}.get(call.method, {})
    return {**common, **ids, **content, **named}


def _time(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat()
