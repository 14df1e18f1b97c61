"""From a CRM's request to what sales answered: who vouches for it, and what the values that it tells mean."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from streams.collector.hooks.hubspot_records import Away, Records, Wanted
from streams.collector.hooks.mail_adapter import UNAUTHENTIC
from streams.collector.hooks.settings import CRMS, Hook
from streams.collector.hooks.signature import one_presented
from streams.collector.request import (
    MAX_BODY,
    Adapted,
    Answer,
    DeadMessage,
    Inquiry,
    Refusal,
    RequestParts,
    Route,
    Source,
    SourceKind,
)
from streams.connectors.feedback import hubspot, rules, salesforce
from streams.connectors.feedback.result import Refusal as NotUnderstood
from streams.connectors.feedback.result import Translated
from streams.connectors.feedback.rules import Rules

NOT_YET: Final = Refusal(503, "crm_away", "HubSpot does not say whom this is about: come again")
MISCONFIGURED: Final = Refusal(503, "crm_denied", "HubSpot denies the access_token of this hook")

Ask = Callable[[Wanted, Rules, str], Awaitable[hubspot.Known | Away]]
"""Ask HubSpot for records by kind and id, with an access token. Never raises."""


class SalesforceAdapter:
    """Outbound messages: acknowledged when the broker has the answers; anything else is repeated for a day."""

    def __init__(self, hooks: Sequence[tuple[Hook, Rules]]) -> None:
        self._hooks = hooks

    def __call__(self, parts: RequestParts, received_at: int) -> Adapted | Refusal:
        """The answers in a message."""
        known = ((hook, rules) for hook, rules in self._hooks if one_presented(hook.revealed(), parts))
        hook, said = next(known, (None, None))
        if hook is None or said is None:
            return UNAUTHENTIC
        return _adapted(hook, salesforce.translate(parts.body, hook.organisations, said, received_at))


class HubSpotAdapter:
    """Webhooks, signed over their raw bytes and at most five minutes old; then HubSpot is asked whom they mean."""

    def __init__(self, hooks: Sequence[tuple[Hook, Rules]], ask: Ask) -> None:
        self._hooks = hooks
        self._ask = ask

    def __call__(self, parts: RequestParts, received_at: int) -> Adapted | Refusal | Inquiry:
        """What has to be asked; the answers themselves where nothing has."""
        hook, said = next((one for one in self._hooks if _signed(one[0], parts, received_at)), (None, None))
        if hook is None or said is None:
            return UNAUTHENTIC
        changes = hubspot.changes_of(parts.body)
        if isinstance(changes, NotUnderstood):
            return Refusal(*changes)
        wanted = hubspot.records_of(changes, said)
        if not wanted:
            return _adapted(hook, hubspot.translate(changes, {}, said, received_at))

        async def ask() -> Adapted | Refusal:
            token = hook.access_token.get_secret_value() if hook.access_token is not None else ""
            known = await self._ask(wanted, said, token)
            if isinstance(known, Away):
                return MISCONFIGURED if known.denied else NOT_YET
            return _adapted(hook, hubspot.translate(changes, known, said, received_at))

        return Inquiry(ask)


def _signed(hook: Hook, parts: RequestParts, received_at: int) -> bool:
    return hubspot.signed("POST", hook.url or "", parts.raw, parts.headers, hook.revealed(), received_at)


def _adapted(hook: Hook, found: Translated | NotUnderstood) -> Adapted | Refusal:
    if isinstance(found, NotUnderstood):
        return Refusal(*found)
    dead = [DeadMessage(wrong.reason, wrong.detail, wrong.raw) for wrong in found.wrong]
    answer = Answer(found.reply, found.content_type)
    return Adapted(Source(hook.name, SourceKind.CRM), [dict(event) for event in found.events], dead, answer)


def crm_routes(hooks: Sequence[Hook], ask: Ask | None = None) -> list[Route] | str:
    """The ways in for CRMs, or one line that says what is wrong with a hook's rules."""
    ruled: dict[str, list[tuple[Hook, Rules]]] = {}
    for hook in hooks:
        if hook.provider not in CRMS:
            continue
        said = rules.load(hook.rules or rules.SHIPPED / f"{hook.provider}.yaml")
        if isinstance(said, list):
            return f"hook {hook.name}: {said[0]}"
        ruled.setdefault(hook.provider, []).append((hook, said))
    routes = []
    if "salesforce" in ruled:
        routes += _routes("salesforce", SalesforceAdapter(ruled["salesforce"]), salesforce.MOST_BYTES)
    if "hubspot" in ruled:
        routes += _routes("hubspot", HubSpotAdapter(ruled["hubspot"], ask or Records()), MAX_BODY)
    return routes


def _routes(name: str, adapter: SalesforceAdapter | HubSpotAdapter, max_body: int) -> list[Route]:
    """With and without a token behind the CRM's name."""
    return [
        Route("POST", path, f"hook_{name}", adapter, max_body) for path in (f"/hooks/{name}", f"/hooks/{name}/*")
    ]
