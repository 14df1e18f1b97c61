"""What the program itself says to people about a lead, in the languages of the models."""

from typing import Final

from streams.scoring.qualification import Missing

HELD: Final = {
    "points": (
        "{more:g} more points (has {has:g} of {needs:g})",
        "スコアがあと{more:g}点必要（現在{has:g}／{needs:g}）",
    ),
    "mql_points": (
        "{more:g} more points for MQL (has {has:g} of {needs:g})",
        "MQLまでスコアがあと{more:g}点必要（現在{has:g}／{needs:g}）",
    ),
    "mql_behaviour": (
        "{more:g} more points of behaviour for MQL (has {has:g} of {needs:g})",
        "MQLまで行動スコアがあと{more:g}点必要（現在{has:g}／{needs:g}）",
    ),
    "unknown": (
        "nobody knows who it is: no email address, phone or user id",
        "メールアドレス・電話番号・ユーザーIDのいずれも不明",
    ),
    "with_sales": ("sales still has its last handoff", "前回の引き渡しを営業が対応中"),
    "cool_down": ("its cool-down until {name}", "{name}までクールダウン期間中"),
    "disqualified": ("it is disqualified: only a person reinstates it", "対象外（復帰は担当者の判断のみ）"),
    "next_event": (
        "nothing but its next event: points alone do not lift",
        "次の活動待ち（スコアだけでは昇格しない）",
    ),
    "contact": ("no email address or phone known", "メールアドレス・電話番号が不明"),
    "verified": (
        "the address was seen from a browser only, no form server or CRM confirmed it",
        "連絡先がブラウザからの入力のみで、サーバー側で未確認",
    ),
    "grade": ("fit grade {name}", "適合度グレードが{name}"),
    "title": ("job title unknown", "役職が不明"),
    "seniority": ("decision power: {name}", "決裁権：{name}"),
    "company": ("company unknown", "会社名が不明"),
    "phone": ("a private address or shared mailbox, and no phone number", "個人・共有アドレスで電話番号が不明"),
    "intent": (
        "no clear intent yet: product visits, several offers or a call from the lead",
        "購買意向が未確認（製品ページの閲覧・複数資料・先方からの連絡なし）",
    ),
    "active_days": ("active on {has:g} of {needs:g} days", "活動日が{has:g}日（{needs:g}日必要）"),
    "too_old": (
        "the event that would hand it over arrived too late; the next one will",
        "基準を満たした出来事の到着が遅すぎたため、次の活動を待機",
    ),
    "competitor": ("a competitor", "競合企業"),
    "own": ("one of our own, a test or an agency", "自社・テスト・代理店"),
    "do_not_contact": ("not to be contacted", "連絡禁止"),
    "no_consent": ("no consent to process personal data", "個人情報の取扱いに同意なし"),
    "disposable_mail": ("a disposable mail address", "使い捨てメールアドレス"),
    "customer": ("already a customer: the account's owner answers", "既存顧客（担当者が対応）"),
    "open_opportunity": ("an opportunity is open: the account's owner answers", "商談中（担当者が対応）"),
    "partner": ("a partner: the account's owner answers", "パートナー企業（担当者が対応）"),
    "unreachable": ("no phone, and no address that takes mail", "電話番号がなく、メールも不達"),
    "student": ("a student or an intern", "学生・インターン"),
    "academic": ("a school or university", "教育機関"),
    "imported": ("imported only: nothing the lead did itself", "インポートのみで本人の行動なし"),
    "unsubscribed": ("unsubscribed: only an own request passes", "配信停止中（本人からの依頼のみ対応）"),
    "complained": ("reported spam: only an own request passes", "迷惑メール報告あり（本人からの依頼のみ対応）"),
    "personal_mail": ("a private mail address", "個人メールアドレス"),
    "role_mailbox": ("a shared mailbox", "共有メールアドレス"),
}
"""What keeps a lead from sales, by its code: English, Japanese."""

NEXT_EVENT: Final = ("nothing but its next event", "次の活動待ち")
SENIORITIES: Final = {
    "student_intern": "学生・インターン",
    "staff": "一般",
    "lead": "主任・リーダー",
    "manager": "課長・マネージャー",
    "director": "部長",
    "vp": "本部長・役員級",
    "c_level": "経営層",
}
CHANGES: Final = {
    "opted_out": ("wants no marketing mail any more", "メール配信の停止を希望"),
    "became_customer": ("is a customer now", "既存顧客になりました"),
    "machine_verdict": ("some of the activity was a machine's", "活動の一部は機械によるアクセスと判明"),
    "merged": ("turned out to be a lead that is known by another key", "別のキーのリードと同一人物と判明"),
    "new_request": ("asked again", "新たなお問い合わせ"),
    "erased": ("asked that the data be erased", "データ消去の依頼"),
}
"""What sales hears about a lead that it has, by the change: English, Japanese."""
LANES: Final = {
    "demo": ("asked for a demo", "デモ依頼"),
    "contact": ("asked to be contacted", "お問い合わせ"),
    "quote": ("asked for a quote", "見積依頼"),
    "question": ("asked a specific question", "具体的な質問"),
    "information": ("asked for information", "資料請求"),
    "promoted": ("handed over by a person", "担当者の判断による引き渡し"),
}


GROUNDS: Final = {
    "request": ("own request of {day}", "{day}の本人からの依頼"),
    "consent_processing": ("agreed to processing on {day}", "{day}に個人情報の取扱いに同意"),
    "consent_communication": ("agreed to be contacted on {day}", "{day}に連絡に同意"),
}
"""On what ground somebody may be addressed: English, Japanese."""
COLLEAGUE: Final = (
    ("handed over on {day}", "を{day}に引き渡し"),
    ("handed over on {day} to {owner}", "を{day}に{owner}へ引き渡し"),
)
NOBODY: Final = ("a colleague", "同じ会社の方")
WITH_SALES: Final = ("still with sales", "営業が対応中")
STANDS: Final = {
    "accepted": ("accepted by sales", "営業が受諾"),
    "opportunity": ("an opportunity is open", "商談中"),
    "customer": ("became a customer", "受注済み"),
    "disqualified": ("ruled out", "対象外"),
    **dict.fromkeys(("recycled", "lead", "visitor", "mql"), ("came back from sales", "営業から差し戻し")),
}
"""Where the handoff of a colleague stands: English, Japanese."""


FIT: Final = {
    "seniority": ("decision power", "決裁権"),
    "function": ("job", "職種"),
    "employees": ("employees", "従業員数"),
    "revenue": ("revenue", "売上高"),
    "industry": ("industry", "業種"),
    "geography": ("country", "国・地域"),
    "needs": ("needs", "ニーズ"),
    "fit": ("fit", "適合度"),
    "browser": ("what browsers sent", "ブラウザ由来の行動"),
    "budget": ("budget", "予算"),
    "ad_spend": ("advertising", "広告費"),
    "pain_points": ("pain points", "課題"),
    "software": ("software", "利用ソフトウェア"),
    "persona": ("persona", "ペルソナ"),
}
"""What a company and a role are judged by: English, Japanese."""
JUDGED: Final = {
    **SENIORITIES,
    "executive": "経営",
    "it": "情報システム",
    "marketing": "マーケティング",
    "sales": "営業",
    "operations": "企画・業務",
    "support": "サポート",
    "production": "生産",
    "procurement": "購買",
    "legal": "法務",
    "hr": "人事",
    "finance": "財務・金融",
    "r_and_d": "研究開発",
    "software": "ソフトウェア",
    "manufacturing": "製造",
    "professional_services": "専門サービス",
    "telecom": "通信",
}
"""Levels, jobs and industries in Japanese."""
ANSWERS: Final = {
    "handoff_accepted": ("sales accepted it", "営業が受諾"),
    "handoff_rejected": ("sales returned it", "営業が差し戻し"),
    "contacted": ("sales made contact", "営業が連絡"),
    "meeting_booked": ("a meeting was booked", "商談を設定"),
    "opportunity_created": ("an opportunity was opened", "案件化"),
    "deal_won": ("the deal was won", "受注"),
    "deal_lost": ("the deal was lost", "失注"),
    "lead_promoted": ("handed over by a person", "担当者の判断による引き渡し"),
    "lead_disqualified": ("disqualified by a person", "担当者が対象外と判断"),
    "lead_reinstated": ("reinstated by a person", "担当者が復帰"),
}
HAPPENED: Final = {
    "visit": ("a visit", "サイト訪問"),
    "merge": ("another identity turned out to be this lead", "別のIDが同じリードと判明"),
    "email": ("email became known", "メールアドレスが判明"),
    "phone": ("phone became known", "電話番号が判明"),
    "user": ("user became known", "ユーザーIDが判明"),
    "told": ("more about the person became known", "人物・企業の情報が判明"),
    "retracted": ("an event was taken back", "取り消された出来事あり"),
    "untold": ("an event that the record no longer holds", "記録に残っていない出来事"),
    "cooled_down": ("its cool-down ended", "クールダウン期間が終了"),
    "score_fell": ("its score fell below the exit", "スコアが維持基準を下回った"),
    "behaviour_fell": ("its points of behaviour fell below the exit", "行動スコアが維持基準を下回った"),
    "not_worked": ("sales did not follow it up in time", "期限までに営業の対応なし"),
}
"""What moved a lead, where no rule has words for it."""


def fit(dimension: str, value: str | None, language: str) -> str:
    """A line of the fit: what was judged, and as what."""
    found = FIT.get(dimension)
    name = dimension if found is None else found[language == "ja"]
    if value is not None and language == "ja":
        value = JUDGED.get(value, value)
    if value is None:
        return f"fit, {name}" if language == "en" else f"適合度・{name}"
    return f"fit, {name}: {value.replace('_', ' ')}" if language == "en" else f"適合度・{name}：{value}"


def cap(name: str, most: float, language: str) -> str:
    """The line that takes away what is over a cap."""
    shown = FIT[name][language == "ja"] if name in FIT else name
    return f"{shown} gives {most:g} at most" if language == "en" else f"{shown}の上限{most:g}点"


def answer(kind: str, reason: str | None, language: str) -> str:
    """What sales said, and why."""
    found = ANSWERS.get(kind)
    said = kind if found is None else found[language == "ja"]
    if not reason:
        return said
    return f"{said} ({reason})" if language == "en" else f"{said}（{reason}）"


def happened(what: str, language: str) -> str:
    """What moved a lead."""
    return HAPPENED[what][language == "ja"]


def held(missing: list[Missing], language: str) -> str:
    """What keeps a lead from sales, in words, in the order in which it was found."""
    said = [_said(one, language) for one in missing] or [NEXT_EVENT[language == "ja"]]
    return ("、" if language == "ja" else "; ").join(dict.fromkeys(said))


def _said(one: Missing, language: str) -> str:
    template = HELD[one.name if one.code == "block" else one.code][language == "ja"]
    name = SENIORITIES.get(one.name, one.name) if language == "ja" else one.name.replace("_", " ")
    has, needs = round(one.has, 1), one.needs
    return template.format(has=has, needs=needs, more=round(needs - one.has, 1), name=name)


def request(name: str | None, language: str) -> str | None:
    """What somebody asked for; None if that has no words of its own."""
    found = LANES.get(name or "")
    return None if found is None else found[language == "ja"]


def promotion(why: str | None, language: str) -> str:
    """That a person handed the lead over, and what that person said."""
    said = LANES["promoted"][language == "ja"]
    if not why:
        return said
    return f"{said}: {why}" if language == "en" else f"{said}（{why}）"


def basis(ground: str, day: str, about: str | None, language: str) -> str:
    """On what ground somebody may be addressed: `about` what it was given."""
    told = GROUNDS[ground][language == "ja"].format(day=day)
    if about is None:
        return told
    return f"{told}: {about}" if language == "en" else f"{told}（{about}）"


def colleague(name: str | None, title: str | None, day: str, owner: str | None, stage: str, language: str) -> str:
    """Who else of the company was handed over, when, to whom, and where that stands."""
    japanese = language == "ja"
    to = COLLEAGUE[owner is not None][japanese].format(day=day, owner=owner)
    stands = STANDS.get(stage, WITH_SALES)[japanese]
    who = name or NOBODY[japanese]
    if japanese:
        return f"{who}様{f'（{title}）' if title else ''}{to}、{stands}"
    return f"{who}{f' ({title})' if title else ''}, {to}, {stands}"


def lane(name: str, score: float, language: str) -> str:
    """The criteria that were met."""
    found = LANES.get(name)
    if found is not None:
        return found[language == "ja"]
    return f"score {score:.1f}" if language == "en" else f"スコア {score:.1f}"
