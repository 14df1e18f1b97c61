"""The forms file: which form is what, and which of its answers become which fields of the event."""

from collections.abc import Mapping as Mapped
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.attribute import Attributes
from streams import shipped
from streams.collector.hooks.consent import Communication, ConsentRules
from streams.collector.mapping import Fields, plain

DEFAULT_FILE = shipped.COLLECTOR / "forms.yaml"

TARGETS = frozenset(
    {
        *Attributes.model_fields,
        *("email", "anonymous_id", "name", "message", "form_id", "form_type", "offer_id", "url", "referrer"),
        *("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "session_id"),
        *("submission_id", "submitted_at"),
    }
)
"""What an answer may become. A user id is not among them: whoever fills a form in could write another's, and the
word of a form tool is trusted."""


@dataclass(frozen=True)
class Form:
    """One form: what is always true of it, which answers it has names for, and which are consents."""

    fixed: Mapped[str, object]
    fields: Fields
    names: frozenset[str]
    consent: ConsentRules


_PLAIN_FORM = Form({}, Fields({}), frozenset(), ConsentRules())


class Forms:
    """All forms. `labels` are the answers that every form may have."""

    def __init__(self, forms: Mapped[str, Form], matches: Mapped[str, Form], labels: Fields) -> None:
        self._forms = forms
        self._matches = matches
        self.labels = labels

    def named(self, name: str) -> Form | None:
        """The form of that name in the file."""
        return self._forms.get(name)

    def find(self, *told: str | None) -> Form:
        """The form whose `match` has what a tool calls it; else one of which nothing is known."""
        names = (plain(name) for name in told if name is not None)
        return next((self._matches[name] for name in names if name in self._matches), _PLAIN_FORM)


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Communication(_Model):
    answer: str
    channel: str = "email"
    purpose: str | None = None
    wording_version: str | None = None


class _Consent(_Model):
    processing: list[str] = []
    communications: list[_Communication] = []


class _Form(_Model):
    match: list[str] = []
    form_id: str | None = None
    form_type: str | None = None
    offer_id: str | None = None
    fields: dict[str, list[str]] = {}
    consent: _Consent = Field(default_factory=_Consent)


class _File(_Model):
    labels: dict[str, list[str]] = {}
    forms: dict[str, _Form] = {}


def load_forms(path: Path = DEFAULT_FILE) -> Forms | str:
    """The forms, or one line that says what is wrong with the file."""
    try:
        found = yaml.safe_load(path.read_text())
        parsed = _File.model_validate({} if found is None else found)
    except OSError as error:
        return f"cannot read the forms {path}: {error.strerror}"
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        return f"the forms {path} are not YAML: {' '.join(str(error).split())}"
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        return f"the forms {path}: {'.'.join(str(part) for part in first['loc']) or 'file'}: {first['msg']}"
    problem = _problem(parsed)
    return f"the forms {path}: {problem}" if problem else _compiled(parsed)


def _problem(parsed: _File) -> str | None:
    named = [("labels", field) for field in parsed.labels]
    named += [(f"forms.{name}.fields", field) for name, form in parsed.forms.items() for field in form.fields]
    for where, field in named:
        if field not in TARGETS:
            return f"{where}.{field} is not a field that an answer may become"
    seen: dict[str, str] = {}
    for name, form in parsed.forms.items():
        for told in form.match:
            if seen.setdefault(plain(told), name) != name:
                return f"forms.{name}.match: another form has the same"
    return None


def _compiled(parsed: _File) -> Forms:
    forms = {name: _form(form) for name, form in parsed.forms.items()}
    matches = {plain(told): forms[name] for name, form in parsed.forms.items() for told in form.match}
    return Forms(forms, matches, Fields(parsed.labels))


def _form(form: _Form) -> Form:
    fixed = {"form_id": form.form_id, "form_type": form.form_type, "offer_id": form.offer_id}
    communications = tuple(
        Communication(plain(one.answer), one.channel, one.purpose, one.wording_version)
        for one in form.consent.communications
    )
    processing = frozenset(map(plain, form.consent.processing))
    labels = {plain(name) for names in form.fields.values() for name in names}
    return Form(
        {name: value for name, value in fixed.items() if value is not None},
        Fields(form.fields),
        frozenset(labels | processing | {one.answer for one in communications}),
        ConsentRules(processing, communications),
    )
