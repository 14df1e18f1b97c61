"""The hooks file: which providers and forms may call, and the secrets that vouch for them.

It is TOML and holds secrets, so that it belongs to the collector alone:

    [[hooks]]
    name = "newsletter"                  # becomes the events' `source`
    provider = "sendgrid"                # POST /hooks/sendgrid
    secrets = ["MFkwEwYHKoZI..."]        # two at a time, so that one can be changed without a gap
    honeypots = ["https://firm.example/unseen"]     # links that no person can see

    [[hooks]]
    name = "contact-form"
    provider = "form"                    # POST /hooks/forms/contact, mapped by forms.yaml
    form = "contact"
    secrets = ["sha256:9f86d0..."]       # a token may be given by its hash
    signature = {header = "X-Signature", encoding = "hex"}     # if it signs the body rather than show a token

    [[hooks]]
    name = "salesforce"
    provider = "salesforce"              # POST /hooks/salesforce/TOKEN: outbound messages
    secrets = ["a long random token"]
    organisations = ["00D000000000001"]  # whose messages are taken
    rules = "salesforce-feedback.yaml"   # which value of which field answers what; shipped ones without

    [[hooks]]
    name = "hubspot"
    provider = "hubspot"                 # POST /hooks/hubspot: webhooks of an app
    secrets = ["the app's client secret"]
    url = "https://collector.firm.example/hooks/hubspot"    # as HubSpot knows it: it is under the signature
    access_token = "pat-..."             # of a private app that may read contacts and companies

What a secret is. sendgrid: the verification key. mailgun: the webhook signing key. typeform, tally, webflow: the
signing secret. postmark, brevo, form: `user:password` or a token (bearer, or in the URL: `/hooks/postmark/TOKEN`).
ses: the ARN of the SNS topic, which is no secret: Amazon's signature vouches, the ARN says that it is yours.
salesforce: a token (bearer, Basic or in the URL). hubspot: the client secret of the app that sends the webhooks.
"""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from streams.collector.hooks.sendgrid import public_key
from streams.collector.hooks.signature import HASHED, from_hex

SECRETS_AT_A_TIME = 2

MailProvider = Literal["sendgrid", "mailgun", "postmark", "ses", "brevo"]
FormProvider = Literal["typeform", "tally", "webflow", "form"]
CrmProvider = Literal["salesforce", "hubspot"]
ProviderName = MailProvider | FormProvider | CrmProvider


CRMS: Final = frozenset(get_args(CrmProvider))
"""What sales answers comes from these."""


class SignatureForm(BaseModel):
    """How another form tool signs: HMAC-SHA256 of the raw body in a header."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    header: str = Field(pattern=r"^[A-Za-z0-9-]{1,64}$")
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""


class Hook(BaseModel):
    """One caller."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    provider: ProviderName
    secrets: list[Annotated[SecretStr, Field(min_length=8, max_length=2048)]] = Field(
        min_length=1, max_length=SECRETS_AT_A_TIME
    )
    honeypots: list[str] = []
    form: str | None = Field(None, pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")
    signature: SignatureForm | None = None
    organisations: list[Annotated[str, Field(pattern=r"^00D[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?$")]] = []
    url: str | None = Field(None, pattern=r"^https?://[^\s]+$")
    access_token: SecretStr | None = None
    rules: Path | None = None

    @model_validator(mode="after")
    def _fits_its_crm(self) -> Self:
        if (self.provider == "salesforce") != bool(self.organisations):
            raise ValueError("a hook with provider `salesforce`, and no other, names its `organisations`")
        if {self.provider == "hubspot"} != {self.url is not None, self.access_token is not None}:
            raise ValueError("a hook with provider `hubspot`, and no other, has a `url` and an `access_token`")
        if self.rules is not None and self.provider not in CRMS:
            raise ValueError("`rules` are for hooks of a CRM")
        return self

    @model_validator(mode="after")
    def _fits_its_provider(self) -> Self:
        if (self.provider == "form") != (self.form is not None):
            raise ValueError("a hook with provider `form`, and no other, names its `form`")
        if self.signature is not None and self.provider != "form":
            raise ValueError("`signature` is for hooks with provider `form`")
        hashed = [secret for secret in self.revealed() if secret.startswith(HASHED)]
        if any(from_hex(secret.removeprefix(HASHED)) is None for secret in hashed):
            raise ValueError("expected 64 hex digits behind `sha256:`")
        problem = _WRONG.get(self.provider)
        if problem is not None and not all(problem[0](secret) for secret in self.revealed()):
            raise ValueError(problem[1])
        return self

    def revealed(self) -> tuple[str, ...]:
        """The secrets in the clear."""
        return tuple(secret.get_secret_value() for secret in self.secrets)


_WRONG: dict[str, tuple[Callable[[str], bool], str]] = {
    "sendgrid": (lambda key: public_key(key) is not None, "expected SendGrid's verification key (base64)"),
    "ses": (lambda arn: arn.startswith("arn:") and arn.count(":") == 5, "expected the ARN of an SNS topic"),
}


class HookFile(BaseModel):
    """The hooks file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hooks: list[Hook] = []

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names = [hook.name for hook in self.hooks]
        forms = [hook.form for hook in self.hooks if hook.form is not None]
        if len(set(names)) != len(names) or len(set(forms)) != len(forms):
            raise ValueError("two hooks have the same name or the same form")
        return self


def load_hooks(path: Path) -> HookFile | str:
    """The hooks file, or one line that says what is wrong with it and never shows a secret."""
    try:
        return HookFile.model_validate(tomllib.loads(path.read_text()))
    except OSError as error:
        return f"cannot read the hooks {path}: {error.strerror}"
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return f"the hooks {path} are not TOML"
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        return f"the hooks {path}: {'.'.join(str(part) for part in first['loc']) or 'file'}: {first['msg']}"
