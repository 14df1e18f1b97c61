"""What marketing- and sales-qualified mean, in words: conditions, requests, blocks."""

from schemas.model import ScoringModel
from schemas.rule import EventPattern
from schemas.stage import Lane, SqlStage
from streams.model_page.vocabulary import BLOCKS, EFFECTS, EVENTS, SENIORITIES, VALUES
from streams.model_page.wording import Lines, Wording, table


def stages(source: ScoringModel, w: Wording) -> Lines:
    """The definitions that both heads agree on."""
    return [
        w.say("## Stages", "## ステージ"),
        "",
        w.say(
            "- **Visitor** until an email address, a phone number or a user id is known; then **lead**.",
            "- メールアドレス・電話番号・ユーザーIDのいずれかが判明するまでは**訪問者**、判明後は**リード**。",
        ),
        w.say(
            "- A lead moves up only when it does something that counts, never because time passes.",
            "- 上のステージへ進むのは加点対象の行動があったときのみで、時間の経過だけで進むことはない。",
        ),
        "",
        *_mql(source, w),
        "",
        *_sql(source, w),
    ]


def _bullets(parts: list[str]) -> Lines:
    return [f"- {part}" for part in parts]


def _contact(w: Wording) -> str:
    return w.say("an email address or a phone number is known", "メールアドレスまたは電話番号が判明している")


def _grades(grades: list[str], w: Wording) -> str:
    return w.say(f"fit grade {w.either(grades)}", f"適合度グレードが{w.either(grades)}")


def _mql(source: ScoringModel, w: Wording) -> Lines:
    mql = source.stages.mql
    enough = w.say(f"{w.points(mql.enter)} or more", f"スコアが{w.points(mql.enter)}以上")
    if mql.behaviour is not None:
        enough += w.say(
            f", {mql.behaviour:g} of them for behaviour", f"（うち行動で{w.points(mql.behaviour)}以上）"
        )
    if mql.request is not None:
        kinds, within = _request_kinds(source, w), w.duration(mql.request)
        enough += w.say(
            f"; or a request ({kinds}) within the last {within}", f"、または直近{within}以内の依頼（{kinds}）"
        )
    asked = [enough]
    if mql.contact:
        asked.append(_contact(w))
    if mql.grades is not None:
        asked.append(_grades(list(mql.grades), w))
    asked += _no_blocks(source, ["hard"], w)
    return [
        w.say("### MQL: marketing-qualified", "### MQL（マーケティング部門が有望と認めた見込み客）"),
        "",
        w.say(
            "A lead is an MQL from the moment at which all of this is so:", "次のすべてを満たした時点でMQLとする。"
        ),
        "",
        *_bullets(asked),
        "",
        _mql_left(source, w),
    ]


def _mql_left(source: ScoringModel, w: Wording) -> str:
    mql = source.stages.mql
    if mql.leave_by == "behaviour":
        below = w.say(
            f"its points for behaviour fall below {mql.leave:g}", f"行動の点数が{w.points(mql.leave)}を下回り"
        )
    else:
        below = w.say(f"its score falls below {mql.leave:g}", f"スコアが{w.points(mql.leave)}を下回り")
    if mql.request is not None:
        within = w.duration(mql.request)
        below += w.say(f" and no request is younger than {within}", f"、かつ{within}以内の依頼がない")
    grade = w.say(", or its grade is another one", "、またはグレードが条件を外れた") if mql.grades else ""
    return w.say(f"It is a lead again when {below}{grade}.", f"{below}場合{grade}場合はリードに戻る。")


def _request_kinds(source: ScoringModel, w: Wording) -> str:
    kinds: list[str] = []
    for rule in source.rules:
        for pattern in rule.when if rule.request else ():
            found = pattern.where.get("form_type", []) if isinstance(pattern, EventPattern) else []
            kinds += map(str, found if isinstance(found, list) else [found])
    return w.terms(VALUES, dict.fromkeys(kinds))


def _no_blocks(source: ScoringModel, effects: list[str], w: Wording) -> list[str]:
    if not any(effect in effects for effect in source.blocks.values()):
        return []
    if effects == ["hard"]:
        return [w.say("nothing below puts it out altogether", "下記の「対象外」に該当しない")]
    return [w.say("nothing below stands against it", "下記の除外条件に該当しない")]


def _sql(source: ScoringModel, w: Wording) -> Lines:
    sql = source.stages.sql
    lines = [
        w.say("### SQL: sales-qualified", "### SQL（営業部門が対応すべき見込み客）"),
        "",
        w.say(
            "**By the score**, when all of this is so at once:",
            "**スコアによる場合**: 次のすべてを同時に満たすこと。",
        ),
        "",
        *_bullets(_score_lane(source, sql, w)),
    ]
    if source.lanes:
        lines += ["", *_lanes(source, w)]
    lines += [
        "",
        w.say(
            "**By a person** who promotes it: whatever the score, unless it is out altogether.",
            "**担当者の判断による場合**: スコアを問わない（対象外を除く）。",
        ),
        "",
        w.say(
            "Only what sales answers moves it on, or back; sales-confirmed once a meeting is booked.",
            "以後は営業の回答によってのみ進む、または戻る。商談の予約をもって営業確定SQLとする。",
        ),
    ]
    return lines


def _score_lane(source: ScoringModel, sql: SqlStage, w: Wording) -> list[str]:
    asked = [w.say(f"{w.points(sql.enter)} or more", f"スコアが{w.points(sql.enter)}以上")]
    if sql.contact:
        asked.append(_contact(w))
    if sql.verified:
        asked.append(w.say("confirmed by a server, not by a browser only", "連絡先がサーバー側でも確認されている"))
    if sql.grades is not None:
        asked.append(_grades(list(sql.grades), w))
    if sql.seniority is not None:
        asked.append(_seniority(sql.seniority, w))
    if sql.intent:
        rules = [
            r for r in source.rules if r.intent or any(isinstance(p, EventPattern) and p.intent for p in r.when)
        ]
        shown = w.either([f"{w.text(rule.reason)} ({rule.id})" for rule in rules])
        asked.append(w.say(f"it shows intent that still counts: {shown}", f"有効な購買意向: {shown}"))
    if sql.active_days is not None:
        days, within = sql.active_days.at_least, w.duration(sql.active_days.within)
        acts = w.either(
            [w.say("a visit that counts", "加点対象の訪問"), *(w.term(EVENTS, t) for t in sql.active_days.types)]
        )
        asked.append(
            w.say(
                f"active on {days} or more days within {within}: {acts}", f"{within}以内に{days}日以上活動: {acts}"
            )
        )
    return asked + _no_blocks(source, ["hard", "relationship", "no_sql", "no_score_lane", "vouched"], w)


def _seniority(least: str, w: Wording) -> str:
    name = w.term(SENIORITIES, least)
    return w.say(f"decision power: {name} or above", f"決裁権が{name}以上")


def _lanes(source: ScoringModel, w: Wording) -> Lines:
    within = w.duration(source.requests.within) if source.requests else ""
    columns = [w.say("asks for", "依頼"), w.say("and", "条件")]
    rows = [
        (w.term(VALUES, lane.request), w.all_of(_asks(lane, w)) or w.say("nothing more", "なし"))
        for lane in source.lanes
    ]
    return [
        w.say(
            f"**By an own request** of the last {within}, whatever the score. What it needs may come later:",
            f"**本人からの依頼による場合**: 直近{within}以内の依頼で、スコアを問わない。"
            "条件は後から満たされてもよい。",
        ),
        "",
        *table(columns, rows),
    ]


def _asks(lane: Lane, w: Wording) -> list[str]:
    asked = [w.say("the company is known", "会社名が判明している")] if lane.company else []
    if lane.seniority is not None:
        asked.append(_seniority(lane.seniority, w))
    if lane.grades is not None:
        asked.append(_grades(list(lane.grades), w))
    return asked


def requests(source: ScoringModel, w: Wording) -> Lines:
    """That no raised hand goes unanswered."""
    asked = source.requests
    if asked is None or not asked.review:
        return []
    kinds = w.terms(VALUES, asked.review)
    by = source.follow_up.respond_within if source.follow_up else {}
    review, request = (f" ({_soon(by[lane], w)})" if lane in by else "" for lane in ("review", "request"))
    lines = [
        w.say(
            f"- A {kinds} request that does not make an SQL is looked at by a person{review}.",
            f"- {kinds}の依頼がSQLにならない場合は、必ず担当者が個別に確認する{review}。",
        ),
        w.say(
            f"- If somebody has the account already, as with a customer, its owner answers{request}.",
            f"- 既存顧客など担当者のいる企業からの依頼は、その担当者が対応する{request}。",
        ),
    ]
    if asked.breaks_cool_down:
        kinds = w.terms(VALUES, asked.breaks_cool_down)
        lines.append(
            w.say(f"- A {kinds} request ends any cool-down.", f"- {kinds}の依頼があれば、休止期間は直ちに終わる。")
        )
    return [w.say("## Raised hands", "## 本人からの依頼"), "", *lines]


def _soon(hours: float, w: Wording) -> str:
    span = w.business(hours, "hour", "時間")
    return w.say(f"within {span}", f"{span}以内")


def blocks(source: ScoringModel, w: Wording) -> Lines:
    """What stands against a lead, whatever its points."""
    if not source.blocks:
        return []
    columns = [w.say("a lead that is or has", "対象"), w.say("is", "扱い")]
    rows = [(w.term(BLOCKS, name), w.term(EFFECTS, effect)) for name, effect in source.blocks.items()]
    return [w.say("## What stands against a lead", "## 除外条件"), "", *table(columns, rows)]
