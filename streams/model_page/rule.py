"""What a lead gets points for: rules, limits of groups, pages; and what gives none."""

from schemas.model import ScoringModel
from schemas.part import Scalar
from schemas.rule import EventPattern, Rule, VisitPattern
from streams.model_page.vocabulary import EVENTS, FIELDS, VALUES
from streams.model_page.wording import Lines, Wording, signed, table

Pattern = EventPattern | VisitPattern


def points(source: ScoringModel, w: Wording) -> Lines:
    """Every rule with its points, how often and how long they count."""
    if w.language == "ja":
        columns = ["点数:", "内容", "リードの行動", "回数", "有効期間", "備考", "ルール"]
    else:
        columns = ["points:", "for", "when a lead", "how often", "how long", "and", "rule"]
    rows = [
        (_signed(r, w), w.text(r.reason), _when(r, w), _often(r, w), _life(r, w), _notes(r, w), r.id)
        for r in source.rules
    ]
    return [w.say("## Points for behaviour", "## 行動による加点"), "", *table(columns, rows)]


def _signed(rule: Rule, w: Wording) -> str:
    given = {rule.points if p.points is None else p.points for p in rule.when if isinstance(p, EventPattern)}
    return w.either([signed(number) for number in sorted((given - {0}) or {rule.points}, reverse=True)])


def _when(rule: Rule, w: Wording) -> str:
    return w.say("; or ", "、または").join(dict.fromkeys(_pattern(p, rule, w) for p in rule.when))


def _pattern(pattern: Pattern, rule: Rule, w: Wording) -> str:
    if isinstance(pattern, VisitPattern):
        if not pattern.visit:
            return w.say("visits the website", "サイトを訪問")
        return w.say(f"visits {w.either(pattern.visit)} pages", f"{w.either(pattern.visit)}ページを訪問")
    asked = [f"{w.term(FIELDS, name)}: {_values(value, w)}" for name, value in pattern.where.items()]
    asked += [
        w.say(f"{w.term(FIELDS, name)}: not ", f"{w.term(FIELDS, name)}: 除く ") + _values(value, w)
        for name, value in pattern.unless.items()
    ]
    if pattern.fields is not None:
        fields = ", ".join(w.term(FIELDS, name) for name in pattern.fields.of)
        least = pattern.fields.at_least
        asked.append(w.say(f"with {least} or more of {fields}", f"次のうち{least}項目以上を記入: {fields}"))
    if pattern.points is not None and pattern.points != rule.points:
        asked.append(signed(pattern.points) if pattern.points else w.say("ends it", "解除"))
    if pattern.intent and not rule.intent:
        asked.append(w.say("shows intent", "購買意向あり"))
    does = w.term(EVENTS, pattern.type)
    return f"{does} ({', '.join(asked)})" if asked else does


def _values(value: Scalar | list[Scalar], w: Wording) -> str:
    return w.terms(VALUES, value if isinstance(value, list) else [value])


def _often(rule: Rule, w: Wording) -> str:
    each = {
        "offer": w.say("each offer once", "資料ごとに1回"),
        "name": w.say("each name once", "名称ごとに1回"),
        "form_type": w.say("each kind of form once", "フォームの種類ごとに1回"),
    }.get(rule.distinct or "", "")
    if rule.at_least is not None and rule.within is not None:
        within, n = w.duration(rule.within), rule.at_least
        if rule.distinct == "offer":
            return w.say(
                f"once, for {n} or more different offers within {within}",
                f"{within}以内に異なる資料{n}種類以上で1回",
            )
        return w.say(f"once, for {n} or more within {within}", f"{within}以内に{n}回以上で1回")
    chosen = {
        "first": w.say("the first one", "最初の1回"),
        "highest": w.say("the highest counts", "最も高いもの"),
    }.get(rule.prefer, "")
    newest = ""
    if rule.max is not None:
        newest = w.say("the newest one" if rule.max == 1 else f"the newest {rule.max}", f"直近{rule.max}回")
    return w.say(", ", "、").join(part for part in (each, chosen, newest) if part) or w.say("every time", "毎回")


def _life(rule: Rule, w: Wording) -> str:
    keeps = w.duration(rule.keeps)
    if not rule.half_life:
        return keeps
    halved = w.duration(rule.half_life)
    return w.say(f"{keeps}, halved every {halved}", f"{keeps}（{halved}ごとに半減）")


def _notes(rule: Rule, w: Wording) -> str:
    notes = [
        (rule.request, w.say("asks to be answered", "対応の依頼")),
        (rule.intent, w.say("shows intent", "購買意向あり")),
        (rule.lifts_to == "mql", w.say("lifts to MQL only", "昇格はMQLまで")),
        (rule.not_with_sales, w.say("nothing while sales has the lead", "営業対応中は加点なし")),
        (rule.group is not None, w.say(f"limit {rule.group}", f"上限 {rule.group}")),
    ]
    return w.say(", ", "、").join(words for holds, words in notes if holds)


def limits(source: ScoringModel, w: Wording) -> Lines:
    """What rules give together at most."""
    lines = []
    for name, group in source.groups.items():
        members = ", ".join(rule.id for rule in source.rules if rule.group == name) or w.say("no rule", "該当なし")
        most = w.points(group.cap)
        lines.append(
            w.say(f"- {name}: at most {most} together ({members})", f"- {name}: 合計{most}まで（{members}）")
        )
    if source.browser_cap is not None:
        most = w.points(source.browser_cap)
        lines.append(
            w.say(
                f"- What only browsers tell: at most {most} of all, since anyone can send it.",
                f"- ブラウザからのみ届いた行動: 全体で{most}まで（誰でも送信できるため）",
            )
        )
    return [w.say("## Limits", "## 上限"), "", *lines] if lines else []


def pages(source: ScoringModel, w: Wording) -> Lines:
    """The groups of pages, in the order in which they are tried."""
    if not source.pages:
        return []
    silent = w.say(" (does not make a visit count)", "（訪問として数えない）")
    lines = [f"- {page.name}: {', '.join(page.paths)}{'' if page.counts else silent}" for page in source.pages]
    first = w.say(
        "The first group that fits a page is the page's.", "上から順に、最初に一致したグループに属します。"
    )
    return [w.say("## Pages", "## ページ"), "", first, "", *lines]


def not_scored(source: ScoringModel, w: Wording) -> Lines:
    """What nobody should expect in the score."""
    counted = {p.type for rule in source.rules for p in rule.when if isinstance(p, EventPattern)}
    silent = {*counted, "custom", "lead_identified", "company_identified"}
    others = [w.say(*words) for kind, words in EVENTS.items() if kind not in silent]
    if not any(isinstance(p, VisitPattern) for rule in source.rules for p in rule.when):
        others.insert(0, w.say("visits the website", "サイトを訪問"))
    lines = [
        w.say(
            "- What machines do: bots, link scanners, mail proxies.",
            "- 機械による行動（ボット、リンクの自動検査など）",
        )
    ]
    if others:
        lines.append(w.say(f"- That a lead {w.either(others)}.", f"- 次の行動: {w.either(others)}"))
    if not any(rule.half_life for rule in source.rules):
        lines.append(w.say("- Age: points count whole until they end.", "- 経過時間（有効期間中は減点しない）"))
    if source.fit is None:
        lines.append(
            w.say("- Who the lead is: title, company and the like give no points.", "- 役職・会社などの属性")
        )
    return [w.say("## Not in the score", "## スコアに含まれないもの"), "", *lines]
