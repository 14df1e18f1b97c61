"""The headers of contact exports, in English and Japanese: what each means, and which tool writes it.

Names are separated by ` | ` and compared without case, blanks and punctuation.
"""

from typing import Final

NAMES: Final = {
    "email": "email | emailaddress | mail | eメール | メールアドレス | メール | 電子メール | e-mail",
    "first_name": "firstname | 名 | givenname | 名前（名）",
    "last_name": "lastname | 姓 | surname | 名前（姓）",
    "name": "fullname | name | 氏名 | 名前 | contactname",
    "title": "jobtitle | title | 役職 | 職種 | role",
    "company": (
        "companyname | company | associatedcompany | account | accountname | 会社名 | 会社 | 企業名 | "
        "companyaccount"
    ),
    "company_domain": (
        "website | websiteurl | companydomainname | companydomain | webサイト | ウェブサイトurl | ドメイン"
    ),
    "phone": (
        "phonenumber | phone | businessphone | mobilephone | mobilephonenumber | 電話番号 | 電話 | "
        "携帯電話番号 | mainphone | 代表電話"
    ),
    "employees": (
        "numberofemployees | noofemployees | employees | companysize | 従業員数 | 社員数 | numemployees"
    ),
    "revenue": "annualrevenue | revenue | 年間売上高 | 年間売上 | 売上高",
    "industry": "industry | 業種 | 業界",
    "country": "countryregion | country | mailingcountry | ipcountry | 国地域 | 国 | 国名",
    "referral_channel": (
        "leadsource | originalsource | originaltrafficsource | acquisitionprogramname | リードソース | "
        "元のソース | オリジナルソース | 流入元 | personsource | hsanalyticssource | リードのソース"
    ),
    "created": "createdate | createdat | createddate | created | 作成日 | 作成日時 | 登録日",
    "first_visit": (
        "timefirstseen | timeoffirstsession | firstvisit | 初回訪問日時 | 初回閲覧日時 | hsanalyticsfirsttimestamp"
    ),
    "last_visit": (
        "timelastseen | timeoflastsession | timeoflastvisit | lastvisit | 最終訪問日時 | 前回訪問日時 | "
        "hsanalyticslasttimestamp"
    ),
    "last_open": (
        "lastmarketingemailopendate | lastopendate | 最終開封日 | 最終マーケティングeメール開封日 | "
        "hsemaillastopendate"
    ),
    "last_click": "lastmarketingemailclickdate | lastclickdate | 最終クリック日 | hsemaillastclickdate",
    "first_form": "firstconversiondate | 初回コンバージョン日 | 最初のコンバージョン日",
    "last_form": (
        "recentconversiondate | lastformdate | 最近のコンバージョン日 | 直近のコンバージョン日 | "
        "最終フォーム送信日"
    ),
    "last_contact": (
        "lastcontacted | lastactivitydate | lastinterestingmomentdate | 最終コンタクト日 | 最終連絡日 | "
        "最終活動日 | 前回の活動日 | lastactivity | noteslastcontacted"
    ),
    "meeting": "dateoflastmeetingbookedinmeetingstool | dateoflastmeetingbooked | 直近のミーティング予約日",
    "won": (
        "closedate | becameacustomerdate | converteddate | customersince | クローズ日 | 成約日 | "
        "取引開始日 | 顧客に転換した日付"
    ),
    "visits": "numberofsessions | webvisits | visits | セッション数 | 訪問数 | 訪問回数 | hsanalyticsnumvisits",
    "pages": "numberofpageviews | pageviews | ページビュー数 | ページビュー | hsanalyticsnumpageviews",
    "opens": (
        "marketingemailsopened | emailsopened | 開封数 | マーケティングeメールの開封数 | メール開封数 | "
        "hsemailopen"
    ),
    "clicks": (
        "marketingemailsclicked | emailsclicked | クリック数 | マーケティングeメールのクリック数 | "
        "メールクリック数 | hsemailclick"
    ),
    "forms": (
        "numberofformsubmissions | formsubmissions | フォーム送信数 | フォームの送信数 | numconversionevents"
    ),
    "first_form_name": "firstconversion | 初回コンバージョン | 最初のコンバージョン | firstconversioneventname",
    "last_form_name": (
        "recentconversion | lastinterestingmomentdesc | 直近のコンバージョン | 最近のコンバージョン | "
        "最終フォーム名 | recentconversioneventname"
    ),
    "message": "message | description | comments | お問い合わせ内容 | メッセージ | 備考 | 説明",
    "stage": (
        "lifecyclestage | leadstatus | status | revenuestage | ライフサイクルステージ | リードのステータス | "
        "リードステータス | 状況 | personstatus | hsleadstatus"
    ),
    "unsubscribed": (
        "unsubscribedfromallemail | unsubscribed | emailoptout | hasoptedoutofemail | "
        "すべてのeメールの配信登録解除 | 配信停止 | メール送信除外 | hsemailoptout"
    ),
    "bounced": (
        "emailhardbouncereason | emailinvalid | emailbouncedreason | ハードバウンスの理由 | メール不達 | "
        "hsemailhardbouncereason"
    ),
}
"""Our words, and the headers that mean them."""

SIGNS: Final = {
    "HubSpot": (
        "firstconversion | hsanalyticsnumvisits | hsanalyticssource | hsleadstatus | lifecyclestage | "
        "marketingemailsopened | numberofformsubmissions | numberofpageviews | numberofsessions | "
        "recentconversion | recordid | コンタクトの担当者 | セッション数 | フォーム送信数 | "
        "ライフサイクルステージ | レコードid | 元のソース"
    ),
    "Marketo": (
        "acquisitionprogramname | companyname | emailaddress | emailinvalid | lastinterestingmomentdate | "
        "lastinterestingmomentdesc | leadscore | marketo | marketosfid | marketosocialsyndicationid | "
        "personscore | personsource | revenuestage | リードスコア | 個人スコア | リードのスコア | "
        "リードのソース | 名前（名） | 名前（姓）"
    ),
    "Salesforce": (
        "accountname | contactid | converteddate | emailoptout | hasoptedoutofemail | isconverted | leadid | "
        "leadowner | leadsource | leadstatus | noofemployees | メール送信除外 | リードid | リードソース | "
        "リード所有者 | 取引先名"
    ),
}
"""Headers by which a tool is told."""

FORMS: Final = {
    "demo": "demo | デモ | トライアル | trial",
    "quote": "quote | pricing request | 見積",
    "contact": "contact | talk to sales | 問い合わせ | 問合せ | コンタクト",
    "question": "question | 質問",
    "case_study": "case stud | 事例",
    "whitepaper": "whitepaper | white paper | ホワイトペーパー | 白書 | report | レポート | 資料ダウンロード",
    "ebook": "ebook | e-book | guide | ガイド",
    "template": "template | テンプレート | checklist",
    "webinar": "webinar | ウェビナー | セミナー",
    "newsletter": "newsletter | subscribe | メルマガ | メールマガジン",
    "information": "information | 資料請求 | カタログ",
}
"""What a form's name says that it is for: the first whose word is in it."""
