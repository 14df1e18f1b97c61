"""What the page is signed for: lists, warnings, who agreed when, the identity."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final

from schemas.model import ScoringModel
from streams.model_page.wording import Lines, Wording, table
from streams.scoring.model import Model

WARNING: Final = timedelta(days=90)
"""How long before its last holiday a calendar is warned about: time enough to agree on the next years."""
EXAMPLE: Final = ".example"


def warnings(source: ScoringModel, now: int, w: Wording) -> Lines:
    """What somebody should see to before the page is signed."""
    today = datetime.fromtimestamp(now / 1000, UTC).date()
    found = [
        f"- {text}" for text in (*_holidays(source, today, w), *_examples(source, w), *_review(source, today, w))
    ]
    return [w.say("## To see to", "## 要対応"), "", *found] if found else []


def _holidays(source: ScoringModel, today: date, w: Wording) -> Iterator[str]:
    for name in dict.fromkeys(c.holidays for c in source.calendars.values() if c.holidays):
        last = max((date.fromisoformat(row[0]) for row in source.lists.get(name, [])), default=None)
        if last is None:
            yield w.say(
                f"The list {name} holds no day: every holiday is a business day.",
                f"一覧{name}に休業日がなく、すべて営業日として扱われる。",
            )
        elif last - today < WARNING:
            yield w.say(
                f"The list {name} ends on {last}: what comes later is a business day. Add the next years.",
                f"一覧{name}は{last}で終わり、以後はすべて営業日として扱われる。翌年以降を追加すること。",
            )


def _examples(source: ScoringModel, w: Wording) -> Iterator[str]:
    for name, rows in source.lists.items():
        if rows and all(row[0].endswith(EXAMPLE) for row in rows):
            yield w.say(
                f"The list {name} holds examples only: put yours there.",
                f"一覧{name}は記入例のみ。自社の内容に置き換えること。",
            )


def _review(source: ScoringModel, today: date, w: Wording) -> Iterator[str]:
    try:
        due = date.fromisoformat(source.review_on or "")
    except ValueError:
        return
    if due <= today:
        yield w.say(f"The model was to be looked at again on {due}.", f"見直しの予定日（{due}）を過ぎている。")


def lists(source: ScoringModel, w: Wording) -> Lines:
    """The lists beside the model, with their sizes: they are part of what is agreed."""
    if not source.lists:
        return []
    columns = [w.say("list", "一覧"), w.say("entries:", "件数:")]
    rows = [(name, f"{len(found):,}") for name, found in source.lists.items()]
    return [w.say("## Lists", "## 一覧"), "", *table(columns, rows)]


def signatures(model: Model, w: Wording) -> Lines:
    """Who agreed, what else holds, and room for two names."""
    source = model.source
    late, language = w.duration(source.lateness), w.say(*LANGUAGES[source.language])
    columns = [w.say("for", "部門"), w.say("name", "氏名"), w.say("date", "日付"), w.say("signature", "署名")]
    return [
        w.say("## Agreement", "## 合意"),
        "",
        _agreed(source, w),
        "",
        w.say(
            f"Days are those of {source.timezone}; amounts without a currency are {source.currency}; texts for"
            f" sales are in {language}. Events that come up to {late} late are put in their place.",
            f"日付は{source.timezone}、通貨の指定がない金額は{source.currency}、"
            f"営業向けの文面は{language}とする。"
            f"{late}以内の遅れで届いた行動は、発生した順に数える。",
        ),
        "",
        *table(
            columns, [(w.say("marketing", "マーケティング"), "", "", ""), (w.say("sales", "営業"), "", "", "")]
        ),
        "",
        w.say(f"Identity of exactly this content: {model.hash}", f"この内容の識別子: {model.hash}"),
    ]


LANGUAGES: Final = {"en": ("English", "英語"), "ja": ("Japanese", "日本語")}


def _agreed(source: ScoringModel, w: Wording) -> str:
    by = ", ".join(source.agreed_by) or w.say("nobody yet", "（未合意）")
    on = w.say(f" on {source.agreed_on}", f"（{source.agreed_on}）") if source.agreed_on else ""
    again = (
        w.say(f" To be looked at again on {source.review_on}.", f" 次回の見直し: {source.review_on}")
        if source.review_on
        else ""
    )
    return w.say(f"Agreed by {by}{on}.{again}", f"合意者: {by}{on}{again}")
