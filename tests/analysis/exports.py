# ruff: noqa: E501  rows as they stand in a file
"""Exports as the tools write them, with made-up people: one row of each kind that matters."""

import csv
import io

HUBSPOT = [
    {
        "Record ID": "1", "First Name": "Aya", "Last Name": "Mori", "Email": "aya@kitano.example", "Job Title": "VP Marketing",
        "Company Name": "Kitano Machinery", "Number of Employees": "500", "Industry": "software", "Country/Region": "Japan",
        "Phone Number": "+81 3 1234 5678", "Create Date": "2026-09-01 10:00", "Lifecycle Stage": "Sales Qualified Lead",
        "Number of Sessions": "4", "Time First Seen": "2026-09-01 09:00", "Time Last Seen": "2026-09-20 11:00",
        "First Conversion Date": "", "First Conversion": "", "Recent Conversion Date": "2026-09-20 11:00",
        "Recent Conversion": "Request a demo: main form", "Marketing emails opened": "3", "Last marketing email open date": "2026-09-18 08:00",
        "Message": "Please show us planning", "Lead Owner Note": "x",
    },
    {
        "Record ID": "2", "First Name": "Ben", "Last Name": "Ito", "Email": "ben@kitano.example", "Job Title": "",
        "Company Name": "Kitano Machinery", "Country/Region": "Japan", "Create Date": "2026-09-02 10:00",
        "Lifecycle Stage": "Lead", "Number of Sessions": "2", "Time First Seen": "2026-09-02 09:00", "Time Last Seen": "2026-09-22 11:00",
        "Recent Conversion Date": "2026-09-22 11:00", "Recent Conversion": "Whitepaper: scheduling",
        "First Conversion Date": "2026-09-21 11:00", "First Conversion": "Request a demo: main form",
    },
    {"Record ID": "3", "Email": "not an address", "Create Date": "2026-09-02 10:00"},
    {"Record ID": "4", "Email": "", "Create Date": "2026-09-02 10:00"},
    {"Record ID": "5", "Email": "cho@kitano.example", "Create Date": "yesterday", "Number of Sessions": "many"},
    {"Record ID": "6", "Email": "AYA@kitano.example", "Create Date": "2026-09-01 10:00"},
]  # fmt: skip
JAPANESE = [
    {
        "レコードID": "1", "姓": "森", "名": "彩", "Eメール": "aya@kitano.example", "役職": "情報システム部 部長", "会社名": "北野機械",
        "従業員数": "1,000名以上", "業種": "製造業", "国/地域": "日本", "電話番号": "03-1234-5678", "作成日": "2026/09/01 10:00",
        "ライフサイクルステージ": "リード", "セッション数": "４", "初回訪問日時": "2026/09/01 09:00", "最終訪問日時": "2026/09/20 11:00",
        "最近のコンバージョン日": "2026/09/20 11:00", "最近のコンバージョン": "お問い合わせフォーム",
    },
]  # fmt: skip
MARKETO = [
    {
        "Email Address": "aya@kitano.example", "First Name": "Aya", "Last Name": "Mori", "Job Title": "Marketing Manager",
        "Company Name": "Kitano", "Lead Score": "80", "Acquisition Program Name": "Webinar autumn", "Created At": "2026-09-01",
        "Unsubscribed": "false", "Email Invalid": "false", "Num Of Employees": "x",
    },
]  # fmt: skip
SALESFORCE = [
    {
        "Lead ID": "00Q1", "First Name": "Aya", "Last Name": "Mori", "Email": "aya@kitano.example", "Title": "CFO",
        "Company / Account": "x", "Company": "Kitano", "Lead Status": "Closed - Converted", "Lead Source": "Partner",
        "No. of Employees": "500", "Create Date": "9/1/2026", "Converted Date": "9/30/2026", "Email Opt Out": "1",
    },
]  # fmt: skip


def written(rows: list[dict[str, str]], encoding: str = "utf-8", delimiter: str = ",") -> bytes:
    """The rows as a file."""
    text = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(text, names, delimiter=delimiter, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode(encoding)
