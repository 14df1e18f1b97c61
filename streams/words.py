"""What the program itself says to people about a lead, in the languages of the models."""

from typing import Final

from streams.scoring.qualification import Missing

HELD: Final = {
    "points": (
        "{more:g} more points (has {has:g} of {needs:g})",
        "スコアがあと{more:g}点必要（現在{has:g}／{needs:g}）",
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
    "promoted": ("handed over by a person", "担当者の判断による引き渡し"),
}


def held(missing: list[Missing], language: str) -> str:
    """What keeps a lead from sales, in words, in the order in which it was found."""
    said = [_said(one, language) for one in missing] or [NEXT_EVENT[language == "ja"]]
    return ("、" if language == "ja" else "; ").join(dict.fromkeys(said))


def _said(one: Missing, language: str) -> str:
    template = HELD[one.name if one.code == "block" else one.code][language == "ja"]
    name = SENIORITIES.get(one.name, one.name) if language == "ja" else one.name.replace("_", " ")
    has, needs = round(one.has, 1), one.needs
    return template.format(has=has, needs=needs, more=round(needs - one.has, 1), name=name)


def lane(name: str, score: float, language: str) -> str:
    """The criteria that were met."""
    found = LANES.get(name)
    if found is not None:
        return found[language == "ja"]
    return f"score {score:.1f}" if language == "en" else f"スコア {score:.1f}"
