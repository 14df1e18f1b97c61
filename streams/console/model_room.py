"""The model: in words, and what moving a threshold or a point would change. Publishing stays a command."""

from collections.abc import Sequence
from typing import Any, Final

from aiohttp import web
from markdown_it import MarkdownIt
from markupsafe import Markup

from streams import model_page
from streams.analysis import backtest
from streams.analysis.backtest import Backtest
from streams.analysis.comparison import Change
from streams.console import revision
from streams.console.access import Right
from streams.console.desk import DESK, answer, now, spoken
from streams.console.guard import need
from streams.console.trial import MOST_EXAMPLES, Trial, Trials

TRIALS: Final = web.AppKey("trials", Trials)
KINDS: Final = ("gained", "lost", "moved")

_markdown: Final = MarkdownIt("commonmark", {"html": False}).enable("table")


async def page(request: web.Request) -> web.Response:
    return _page(request, {}, None)


def _page(request: web.Request, given: dict[str, str], wrong: str | None) -> web.Response:
    desk = request.app[DESK]
    need(request, Right.MODEL)
    model = desk.speaking(request)
    # The model's own words are text: Markdown's marks work, HTML in them does not.
    words = rendered(model_page.page(model, now(), spoken(request)))
    parts = revision.parts(model)
    return desk.page(request, "model.html", model=model, words=words, parts=parts, given=given, wrong=wrong)


def rendered(text: str) -> Markup:
    """Markdown as HTML; columns are aligned by a class, since the page's policy allows no style in it."""
    tokens = _markdown.parse(text)
    for token in tokens:
        if "right" in str(token.attrs.pop("style", "")):
            token.attrSet("class", "n")
    return Markup(_markdown.renderer.render(tokens, _markdown.options, {}))  # noqa: S704  HTML in it is escaped


async def begin(request: web.Request) -> web.Response:
    """Try other numbers."""
    person = need(request, Right.MODEL)
    given = {name: str(value) for name, value in (await request.post()).items()}
    desk = request.app[DESK]
    wanted = revision.asked(desk.model, given)
    if isinstance(wanted, str) or not wanted:
        return _page(request, given, wanted if isinstance(wanted, str) else "Nothing was changed")
    trial = request.app[TRIALS].begin(desk.model, wanted, person.name)
    if isinstance(trial, str):
        return _page(request, given, trial)
    desk.audit.note(person, "try_model", trial.name)
    raise web.HTTPSeeOther(f"/model/trials/{trial.name}")


def _trial(request: web.Request) -> Trial:
    """Raises 404."""
    need(request, Right.MODEL)
    found = request.app[TRIALS].get(request.match_info["name"])
    if found is None:
        raise web.HTTPNotFound(text="no such trial: they are kept until the console stops\n")
    return found


async def trial_page(request: web.Request) -> web.Response:
    return _trial_page(request, "trial.html")


async def trial_part(request: web.Request) -> web.Response:
    """What changes until the trial is done."""
    return _trial_page(request, "trial_figures.html")


def _trial_page(request: web.Request, template: str) -> web.Response:
    trial = _trial(request)
    moved = {part.name: part for part in revision.parts(request.app[DESK].speaking(request))}
    found = [(name, one) for name, one in (("whole", trial.whole), ("sample", trial.sample)) if one is not None]
    examples = {name: examples_of(one.comparison.changes) for name, one in found}
    return request.app[DESK].page(request, template, trial=trial, parts=moved, results=found, examples=examples)


def examples_of(changes: Sequence[Change]) -> dict[str, list[Change]]:
    """A few of each kind."""
    return {kind: [one for one in changes if one.kind == kind][:MOST_EXAMPLES] for kind in KINDS}


async def save(request: web.Request) -> web.Response:
    """The changed model as a file."""
    trial, desk = _trial(request), request.app[DESK]
    text = revision.as_file(desk.settings, trial.model, trial.wanted)
    name = f"{trial.model.source.name}-{revision.MARK}.yaml"
    return web.Response(
        text=text,
        content_type="application/yaml",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def api_begin(request: web.Request) -> web.Response:
    """JSON of numbers by name: `{"stages.mql.enter": 35, "rules.V1": 12}`."""
    person, desk = need(request, Right.MODEL), request.app[DESK]
    try:
        given = await request.json()
        wanted = revision.asked(desk.model, {str(name): str(value) for name, value in given.items()})
    except (ValueError, AttributeError):
        raise web.HTTPBadRequest(text="expected a JSON object of numbers by name\n") from None
    trial = request.app[TRIALS].begin(desk.model, wanted, person.name) if not isinstance(wanted, str) else wanted
    if isinstance(trial, str):
        raise web.HTTPBadRequest(text=f"{trial}\n")
    desk.audit.note(person, "try_model", trial.name)
    return answer({"trial": trial.name})


async def api_trial(request: web.Request) -> web.Response:
    """How far it is, and what `leadstreams backtest --json` says of the sample and of all."""
    trial = _trial(request)
    return answer(
        {
            "trial": trial.name,
            "changed": dict(trial.wanted),
            "running": trial.running,
            "failed": trial.failed,
            "sample_share": trial.share,
            "sample": _json(trial.sample),
            "all": _json(trial.whole),
        }
    )


def _json(found: Backtest | None) -> dict[str, Any] | None:
    return None if found is None else backtest.as_json(found)


async def api(request: web.Request) -> web.Response:
    """What may be moved, and the model in force."""
    need(request, Right.LOOK)
    model = request.app[DESK].model
    source = model.source
    parts = [part._asdict() for part in revision.parts(model)]
    return answer({"name": source.name, "version": source.version, "hash": model.hash, "parts": parts})
