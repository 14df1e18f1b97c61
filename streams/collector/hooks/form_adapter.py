"""From a form tool's request to an event: who vouches for it, which form it is, and what the answers mean."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from schemas.dead_letter import Rejected
from streams.collector.hooks import custom_form
from streams.collector.hooks.forms import Form, Forms
from streams.collector.hooks.mail_adapter import UNAUTHENTIC
from streams.collector.hooks.settings import Hook
from streams.collector.hooks.submission import Submission, form_event
from streams.collector.mapping import Mapping
from streams.collector.request import (
    ACCEPTED,
    Adapted,
    Answer,
    DeadMessage,
    Refusal,
    RequestParts,
    Source,
    SourceKind,
)


class FormTool(NamedTuple):
    """A form tool's way of vouching for a request, and its wire format."""

    name: str
    authentic: Callable[[RequestParts, tuple[str, ...], int], bool]
    submission: Callable[[bytes], Submission | Rejected | None]


class FormToolAdapter:
    """A form tool that says itself which form was sent. What it tells beside forms is passed over."""

    def __init__(self, tool: FormTool, hooks: Sequence[Hook], forms: Forms, mapping: Mapping) -> None:
        self._tool = tool
        self._hooks = [(hook.name, hook.revealed()) for hook in hooks]
        self._forms = forms
        self._mapping = mapping

    def __call__(self, parts: RequestParts, received_at: int) -> Adapted | Refusal | Answer:
        """The event of the request."""
        authentic = self._tool.authentic
        source = next((name for name, secrets in self._hooks if authentic(parts, secrets, received_at)), None)
        if source is None:
            return UNAUTHENTIC
        sent = self._tool.submission(parts.body)
        if isinstance(sent, Rejected):
            return Refusal(400, *sent)
        if sent is None:
            return ACCEPTED
        form = self._forms.find(sent.form_id, sent.form_name)
        return _adapted(source, sent, form, self._forms, self._mapping, parts, received_at)


class CustomFormAdapter:
    """Forms by their own addresses, each with a mapping of its own."""

    def __init__(self, hooks: Sequence[tuple[Hook, Form]], forms: Forms, mapping: Mapping) -> None:
        self._hooks = {hook.form or "": (hook, form) for hook, form in hooks}
        self._forms = forms
        self._mapping = mapping

    def __call__(self, parts: RequestParts, received_at: int) -> Adapted | Refusal:
        """The event of the request; a token may follow the form's name in the address."""
        name, _, token = parts.rest.partition("/")
        hook, form = self._hooks.get(name, (None, None))
        if hook is None or form is None or not custom_form.authentic(parts._replace(rest=token), hook):
            return UNAUTHENTIC
        sent = custom_form.submission(parts.body, name, received_at)
        if isinstance(sent, Rejected):
            return Refusal(400, *sent)
        return _adapted(hook.name, sent, form, self._forms, self._mapping, parts, received_at)


def _adapted(
    source: str, sent: Submission, form: Form, forms: Forms, mapping: Mapping, parts: RequestParts, now: int
) -> Adapted:
    """A form that names nobody is kept as a dead letter: its sender would repeat a refusal to no end."""
    event = form_event(sent, form, forms, mapping, now)
    vouched = Source(source, SourceKind.WEBHOOK)
    if isinstance(event, Rejected):
        return Adapted(vouched, [], [DeadMessage(event.reason, event.detail, parts.body)])
    return Adapted(vouched, [event], [])
