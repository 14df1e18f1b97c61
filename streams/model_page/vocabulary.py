"""The words of a model's page for the names that a model uses: English, Japanese."""

from typing import Final

Both = dict[str, tuple[str, str]]

EVENTS: Final[Both] = {
    "company_identified": ("has a company that becomes known", "会社の情報が判明"),
    "content_downloaded": ("downloads content", "資料をダウンロード"),
    "custom": ("does something of your own", "独自に定義した行動"),
    "email_clicked": ("clicks in a mail", "メール内のリンクをクリック"),
    "email_complained": ("complains about a mail as spam", "迷惑メールとして報告"),
    "email_opened": ("opens a mail", "メールを開封"),
    "email_subscribed": ("subscribes", "メール配信に登録"),
    "email_unsubscribed": ("unsubscribes", "メール配信を停止"),
    "event_attended": ("comes to an event", "展示会・イベントに来場"),
    "form_submitted": ("sends a form", "フォームを送信"),
    "lead_identified": ("becomes known", "本人の情報が判明"),
    "link_clicked": ("clicks a link", "リンクをクリック"),
    "sales_contacted": ("is in contact with a salesperson", "営業担当者と接触"),
    "social_engaged": ("engages on a social network", "SNSで反応"),
    "webinar_attended": ("attends a webinar", "ウェビナーに参加"),
    "webinar_registered": ("registers for a webinar", "ウェビナーに申込"),
}
FIELDS: Final[Both] = {
    "ad_spend": ("advertising spend", "広告費"),
    "budget": ("budget", "予算"),
    "company": ("company", "会社名"),
    "country": ("country", "国"),
    "direction": ("direction", "方向"),
    "employees": ("number of employees", "従業員数"),
    "form_type": ("form", "フォーム"),
    "offer_type": ("offer", "資料"),
    "outcome": ("outcome", "結果"),
    "pain_points": ("pain points", "課題"),
    "persona": ("persona", "ペルソナ"),
    "phone": ("phone", "電話番号"),
    "referral_channel": ("referral channel", "紹介経路"),
    "software": ("software", "利用ソフトウェア"),
    "title": ("job title", "役職"),
}
VALUES: Final[Both] = {
    "case_study": ("case study", "導入事例"),
    "connected": ("reached", "通話成立"),
    "contact": ("contact", "お問い合わせ"),
    "demo": ("demo", "デモ"),
    "ebook": ("ebook", "eBook"),
    "inbound": ("from the lead", "先方から"),
    "information": ("information", "資料請求"),
    "newsletter": ("newsletter", "メールマガジン"),
    "outbound": ("from us", "当社から"),
    "question": ("question", "具体的な質問"),
    "quote": ("quote", "見積"),
    "template": ("template", "テンプレート"),
    "webinar": ("webinar", "ウェビナー"),
    "whitepaper": ("whitepaper", "ホワイトペーパー"),
}
SENIORITIES: Final[Both] = {
    "c_level": ("top management", "経営層"),
    "vp": ("vice president", "本部長・役員級"),
    "director": ("director", "部長"),
    "manager": ("manager", "課長・マネージャー"),
    "lead": ("team leader", "主任・リーダー"),
    "staff": ("staff", "一般社員"),
    "student_intern": ("student or intern", "学生・インターン"),
}
FUNCTIONS: Final[Both] = {
    "executive": ("executive", "経営"),
    "finance": ("finance", "経理・財務"),
    "hr": ("human resources", "人事"),
    "it": ("IT", "情報システム"),
    "legal": ("legal", "法務"),
    "marketing": ("marketing", "マーケティング"),
    "operations": ("operations", "経営企画・総務"),
    "procurement": ("procurement", "購買"),
    "production": ("production", "生産"),
    "r_and_d": ("research and development", "研究開発"),
    "sales": ("sales", "営業"),
    "support": ("customer support", "カスタマーサポート"),
}
BLOCKS: Final[Both] = {
    "academic": ("a school or university", "教育機関"),
    "competitor": ("a competitor", "競合企業"),
    "complained": ("reported our mail as spam", "迷惑メールとして報告済み"),
    "customer": ("a customer", "既存顧客"),
    "disposable_mail": ("a disposable mail address", "使い捨てメールアドレス"),
    "do_not_contact": ("not to be contacted", "連絡禁止"),
    "imported": ("imported, and did nothing itself", "インポートのみで本人の行動なし"),
    "no_consent": ("no consent to process personal data", "個人情報の取扱いに同意なし"),
    "open_opportunity": ("an open opportunity", "商談中"),
    "own": ("one of our own, a test or an agency", "自社・テスト・代理店"),
    "partner": ("a partner", "パートナー企業"),
    "personal_mail": ("a private mail address", "個人メールアドレス"),
    "role_mailbox": ("a shared mailbox", "共有メールアドレス"),
    "student": ("a student or an intern", "学生・インターン"),
    "unreachable": ("no phone, and no address that takes mail", "電話番号がなく、メールも不達"),
    "unsubscribed": ("unsubscribed from our mail", "メール配信停止中"),
}
EFFECTS: Final[Both] = {
    "hard": ("out altogether: no MQL, no SQL, no review", "対象外（MQL・SQL・個別確認のいずれも行わない）"),
    "relationship": (
        "not handed over as new; a request goes to the account's owner",
        "新規リードとしては引き渡さない（依頼は担当者へ）",
    ),
    "no_sql": ("not handed over; a request is looked at by a person", "引き渡さない（依頼は個別に確認）"),
    "no_score_lane": (
        "not handed over by the score; an own request made afterwards is",
        "スコアでは引き渡さない（その後の本人からの依頼は引き渡す）",
    ),
    "vouched": (
        "not handed over by the score; a request needs company and phone",
        "スコアでは引き渡さない（依頼には会社名と電話番号が必要）",
    ),
}
REASONS: Final[Both] = {
    "bad_data": ("wrong data", "データ不備"),
    "chose_competitor": ("chose a competitor", "他社を選定"),
    "competitor": ("a competitor", "競合企業"),
    "deal_lost": ("the deal was lost", "失注"),
    "duplicate": ("a duplicate", "重複"),
    "no_budget": ("no budget", "予算なし"),
    "no_response": ("no response", "応答なし"),
    "not_a_fit": ("not a fit", "対象外の企業・役割"),
    "not_worked": ("sales did not work it", "営業が未対応"),
    "returned": ("accepted and not contacted", "受領後に連絡なし"),
    "spam": ("spam", "スパム"),
    "student": ("a student", "学生"),
    "timing": ("not the time", "時期尚早"),
    "wrong_person": ("the wrong person", "担当者違い"),
}
LANES: Final[Both] = {
    "request": ("an own request", "本人からの依頼"),
    "promoted": ("promoted by a person", "担当者の判断"),
    "score": ("the score", "スコア"),
    "review": ("a request to look at", "個別確認"),
}
RECIPIENTS: Final[Both] = {
    "queue_lead": ("the queue's lead", "チームリーダー"),
    "manager": ("the manager", "マネージャー"),
}
PRIORITIES: Final[Both] = {"high": ("high", "高"), "normal": ("normal", "中"), "low": ("low", "低")}
WEEKDAYS: Final[Both] = {
    "mon": ("Mon", "月"),
    "tue": ("Tue", "火"),
    "wed": ("Wed", "水"),
    "thu": ("Thu", "木"),
    "fri": ("Fri", "金"),
    "sat": ("Sat", "土"),
    "sun": ("Sun", "日"),
}
UNITS: Final[Both] = {"d": ("day", "日"), "h": ("hour", "時間"), "m": ("minute", "分"), "s": ("second", "秒")}
