"""The hooks file: what is wrong with it is said in one line that never shows a secret."""

from pathlib import Path

import pytest

from streams.collector.hooks.settings import HookFile, load_hooks

SENDGRID_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eN"
    "Ec6wEA3F+g=="
)
GOOD = f"""
[[hooks]]
name = "newsletter"
provider = "sendgrid"
secrets = ["{SENDGRID_KEY}"]
honeypots = ["https://firm.example/unseen"]

[[hooks]]
name = "contact-form"
provider = "form"
form = "contact"
secrets = ["top-secret-1", "top-secret-2"]
signature = {{header = "X-Signature", encoding = "hex"}}

[[hooks]]
name = "mail"
provider = "ses"
secrets = ["arn:aws:sns:eu-west-1:123456789012:mail"]
"""


def loaded(folder: Path, text: str) -> HookFile | str:
    path = folder / "hooks.toml"
    path.write_text(text)
    return load_hooks(path)


def test_a_good_file_is_read_and_its_secrets_are_masked(tmp_path: Path) -> None:
    found = loaded(tmp_path, GOOD)
    assert isinstance(found, HookFile)
    assert [hook.provider for hook in found.hooks] == ["sendgrid", "form", "ses"]
    assert "top-secret" not in repr(found)


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ('"top-secret-2"', '"top-secret-2", "top-secret-3"', "at most 2"),
        ("top-secret-1", "short", "at least 8"),
        ('form = "contact"', "", "names its `form`"),
        ('provider = "ses"', 'provider = "mailgun"\nform = "contact"', "names its `form`"),
        ('provider = "ses"', 'provider = "mailchimp"', "Input should be"),
        ("arn:aws", "aws", "ARN"),
        (SENDGRID_KEY, "bm8ga2V5IGF0IGFsbA==", "verification key"),
        ('name = "mail"', 'name = "newsletter"', "same name"),
        ('name = "mail"', 'nome = "mail"', "hooks.2.name"),
        ("top-secret-1", "sha256:xyz", "hex digits"),
        ("[[hooks]]", "[[hooks", "not TOML"),
    ],
)
def test_a_wrong_file_is_one_line_without_secrets(tmp_path: Path, before: str, after: str, problem: str) -> None:
    assert before in GOOD
    found = loaded(tmp_path, GOOD.replace(before, after, 1))
    assert isinstance(found, str)
    assert problem in found
    assert "\n" not in found
    assert "secret-1" not in found
    assert "secret-2" not in found


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    found = load_hooks(tmp_path / "nowhere")
    assert isinstance(found, str)
    assert "No such file" in found
