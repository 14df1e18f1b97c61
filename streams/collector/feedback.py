"""What sales and the CRM answer, by `POST /v1/feedback`: with a server's or a CRM's key, not with a browser's."""

from streams.collector.request import Adapted, Answer, DeadMessage, Refusal, RequestParts, Route, SourceKind
from streams.collector.write_keys import UNAUTHORIZED, Keys, basic_user
from streams.connectors.feedback import api
from streams.connectors.feedback.result import Refusal as NotUnderstood

PATH = "/v1/feedback"
FORBIDDEN = Refusal(403, "forbidden", "a browser's key is public: feedback needs the key of a server or a CRM")


class FeedbackAdapter:
    """One answer as a JSON object, or several as a list or as `{"batch": [...]}`."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def routes(self) -> list[Route]:
        return [Route("POST", PATH, "feedback", self)]

    def __call__(self, parts: RequestParts, received_at: int) -> Adapted | Refusal | Answer:
        source = self._keys.find(basic_user(parts.authorization) or "")
        if source is None:
            return UNAUTHORIZED
        if source.kind is SourceKind.BROWSER:
            return FORBIDDEN
        found = api.translate(parts.body, parts.headers, (), received_at)
        if isinstance(found, NotUnderstood):
            return Refusal(found.status, found.code, found.message)
        dead = [DeadMessage(wrong.reason, wrong.detail, wrong.raw) for wrong in found.wrong]
        return Adapted(source, found.events, dead, Answer(found.reply))
