"""Every way in for a webhook, as the hooks file says. What it does not name is not there."""

from collections.abc import Mapping as Mapped
from pathlib import Path

from streams.collector.hooks import brevo, custom_form, mailgun, postmark, sendgrid, ses, tally, typeform, webflow
from streams.collector.hooks.amazon import Amazon, Fetcher, fetch
from streams.collector.hooks.crm import crm_routes
from streams.collector.hooks.form_adapter import CustomFormAdapter, FormTool, FormToolAdapter
from streams.collector.hooks.forms import DEFAULT_FILE as FORMS_FILE
from streams.collector.hooks.forms import Form, Forms, load_forms
from streams.collector.hooks.mail_adapter import MailAdapter, SesAdapter
from streams.collector.hooks.provider import Provider
from streams.collector.hooks.recollection import Recollection
from streams.collector.hooks.settings import Hook, HookFile, load_hooks
from streams.collector.hooks.verdicts import page
from streams.collector.mapping import Mapping
from streams.collector.request import MAX_BODY, Adapter, Route


def providers() -> dict[str, Provider]:
    """The mail providers that speak for themselves; Amazon's takes a certificate besides."""
    found = [
        Provider(sendgrid.NAME, sendgrid.authentic, sendgrid.elements, sendgrid.MAX_BODY),
        Provider(mailgun.NAME, mailgun.Authentic(), mailgun.elements),
        Provider(postmark.NAME, postmark.authentic, postmark.elements),
        Provider(brevo.NAME, brevo.authentic, brevo.elements),
    ]
    return {provider.name: provider for provider in found}


FORM_TOOLS: Mapped[str, FormTool] = {
    typeform.NAME: FormTool(typeform.NAME, typeform.authentic, typeform.submission),
    tally.NAME: FormTool(tally.NAME, tally.authentic, tally.submission),
    webflow.NAME: FormTool(webflow.NAME, webflow.authentic, webflow.submission),
}


def hook_routes(file: HookFile, forms: Forms, mapping: Mapping, amazon: Amazon) -> list[Route] | str:
    """The routes, or one line that says what does not fit together."""
    by_provider: dict[str, list[Hook]] = {}
    for hook in file.hooks:
        by_provider.setdefault(hook.provider, []).append(hook)
    honeypots = frozenset(page(link) for hook in file.hooks for link in hook.honeypots)
    recollection = Recollection(honeypots)
    routes: list[Route] = []
    for name, provider in providers().items():
        if name in by_provider:
            routes += _routes(name, MailAdapter(provider, by_provider[name], recollection), provider.max_body)
    if ses.NAME in by_provider:
        routes += _routes(ses.NAME, SesAdapter(by_provider[ses.NAME], recollection, amazon))
    for name, tool in FORM_TOOLS.items():
        if name in by_provider:
            routes += _routes(name, FormToolAdapter(tool, by_provider[name], forms, mapping))
    custom = _custom(by_provider.get(custom_form.NAME, []), forms)
    if isinstance(custom, str):
        return custom
    if custom:
        routes.append(Route("POST", "/hooks/forms/*", "hook_form", CustomFormAdapter(custom, forms, mapping)))
    answering = crm_routes(file.hooks)
    return answering if isinstance(answering, str) else [*routes, *answering]


def _custom(hooks: list[Hook], forms: Forms) -> list[tuple[Hook, Form]] | str:
    found: list[tuple[Hook, Form]] = []
    for hook in hooks:
        form = forms.named(hook.form or "")
        if form is None:
            return f"hook {hook.name}: the forms file has no form {hook.form}"
        found.append((hook, form))
    return found


def _routes(name: str, adapter: Adapter, max_body: int = MAX_BODY) -> list[Route]:
    """With and without a token behind the provider's name."""
    paths = (f"/hooks/{name}", f"/hooks/{name}/*")
    return [Route("POST", path, f"hook_{name}", adapter, max_body) for path in paths]


def load_routes(hooks: Path | None, forms: Path | None, mapping: Mapping) -> list[Route] | str:
    """The routes of the hooks file and the forms file, or one line that says what is wrong with them."""
    file = HookFile() if hooks is None else load_hooks(hooks)
    if isinstance(file, str):
        return file
    found = load_forms(forms or FORMS_FILE)
    return found if isinstance(found, str) else hook_routes(file, found, mapping, Fetcher(fetch))
