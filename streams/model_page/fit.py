"""How well a lead fits, in words: points by who it is, and the grades."""

from collections.abc import Callable, Iterator
from typing import Final

from schemas.fit import Fit, Grades, NeedsFit
from schemas.model import ScoringModel
from streams.model_page.vocabulary import FUNCTIONS, SENIORITIES
from streams.model_page.wording import Lines, Wording, signed, table

Row = tuple[str, str, str]
Amount = Callable[[float, Wording], str]
ENGLISH: Final = ((1e9, " billion"), (1e6, " million"))
JAPANESE: Final = ((1e8, "億"), (1e4, "万"))


def grouped(number: float, w: Wording) -> str:
    """`5,000`."""
    return f"{number:,g}"


def fit(source: ScoringModel, w: Wording) -> Lines:
    """Every dimension with its points, the cap and the grades."""
    part = source.fit
    if part is None:
        return []
    columns = [w.say("what", "項目"), w.say("is", "内容"), w.say("points:", "点数:")]
    most = w.points(part.cap)
    rows = [row for dimension in (_role, _size, _industry, _place, _needs) for row in dimension(part, source, w)]
    return [
        w.say("## Points for fit", "## 属性による加点（適合度）"),
        "",
        w.say(
            f"At most {most} in all. They do not decay; what is unknown gives none and is named in the handoff.",
            f"合計{most}まで。減衰しない。不明な項目は0点とし、引き渡し時に明記する。",
        ),
        "",
        *table(columns, rows),
        "",
        _grades(part.grades, w),
    ]


def _grades(part: Grades, w: Wording) -> str:
    a, b, c = (f"{points:g}" for points in (part.A, part.B, part.C))
    return w.say(
        f"Grades: **A** from {a}, **B** from {b}, **C** from {c} points for fit; below that, or outside the"
        " countries that we serve, **D**.",
        f"グレード: 適合度が{a}点以上で**A**、{b}点以上で**B**、{c}点以上で**C**。"
        "それ未満または対応外の国は**D**。",
    )


def _role(part: Fit, source: ScoringModel, w: Wording) -> Iterator[Row]:
    power = w.say("decision power, from the title", "決裁権（役職から判定）")
    if part.seniority:
        for name, points in part.seniority.model_dump().items():
            yield power, w.term(SENIORITIES, name), signed(points)
    if part.function:
        named = w.terms(FUNCTIONS, part.function.any_of)
        yield w.say("function, from the title", "職種（役職から判定）"), named, signed(part.function.points)


def _size(part: Fit, source: ScoringModel, w: Wording) -> Iterator[Row]:
    if part.size is None:
        return
    for band in part.size.employees:
        yield w.say("employees", "従業員数"), between(band.at_least, band.below, w), signed(band.points)
    revenue = w.say("revenue in USD a year, if employees are unknown", "年間売上（米ドル、従業員数が不明な場合）")
    for band in part.size.revenue_usd:
        yield revenue, between(band.at_least, band.below, w, _dollars), signed(band.points)


def between(least: float | None, below: float | None, w: Wording, amount: Amount = grouped) -> str:
    """A range of numbers, its upper end not included."""
    low, high = amount(least or 0, w), "" if below is None else amount(below, w)
    if not high:
        return w.say(f"{low} or more", f"{low}以上")
    if not least:
        return w.say(f"below {high}", f"{high}未満")
    return w.say(f"{low} to below {high}", f"{low}以上{high}未満")


def _dollars(number: float, w: Wording) -> str:
    """A large amount in the scale of the language."""
    scales = JAPANESE if w.language == "ja" else ENGLISH
    size, name = next(((size, name) for size, name in scales if number >= size), (1, ""))
    return f"{number / size:,g}{name}"


def _industry(part: Fit, source: ScoringModel, w: Wording) -> Iterator[Row]:
    if part.industry is None:
        return
    for listed in (part.industry.target, part.industry.excluded):
        if listed is not None:
            names = [row[0] for row in source.lists.get(listed.list, [])]
            yield w.say("industry", "業種"), w.either(names) or "-", signed(listed.points)


def _place(part: Fit, source: ScoringModel, w: Wording) -> Iterator[Row]:
    if part.geography is None:
        return
    names = [row[0] for row in source.lists.get(part.geography.serviceable, [])]
    yield w.say("country", "国"), w.either(names) or "-", signed(part.geography.points)
    yield w.say("country", "国"), w.say("any other", "その他"), w.say("grade D", "グレードD")


def _needs(part: Fit, source: ScoringModel, w: Wording) -> Iterator[Row]:
    if part.needs is None:
        return
    most = w.points(part.needs.cap)
    what = w.say(f"needs and means, at most {most}", f"課題・予算など（合計{most}まで）")
    for words, points in _signs(part.needs, w):
        if points:
            yield what, words, signed(points)


def _signs(needs: NeedsFit, w: Wording) -> Iterator[tuple[str, float]]:
    yield w.say("a budget above nothing", "予算あり"), needs.budget
    if needs.ad_spend is not None:
        least = f"{needs.ad_spend.usd_a_month:,g}"
        yield (
            w.say(f"advertising of USD {least} a month or more", f"広告費が月額{least}米ドル以上"),
            needs.ad_spend.points,
        )
    yield w.say("pain points named", "課題の記入あり"), needs.pain_points
    if needs.software is not None:
        yield (
            w.say(f"software of the list {needs.software.list}", f"一覧{needs.software.list}のソフトウェアを利用"),
            needs.software.points,
        )
    if needs.persona is not None:
        yield (
            w.say(f"a persona of the list {needs.persona.list}", f"一覧{needs.persona.list}のペルソナに該当"),
            needs.persona.points,
        )
