"""All settings: environment `LEADSTREAMS_*`, or the TOML file `LEADSTREAMS_CONFIG` (leadstreams.toml)."""

import os
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from streams.identity.keys import Secret

Delivery = Literal["exactly-once", "at-least-once"]

DEMO_SECRET = "only-for-the-demo-and-tests"  # noqa: S105  refused by `require_secret` outside development

LEAD_URL = "http://127.0.0.1:8801/leads/{key}"
"""Where the console shows a lead, if it runs where a salesperson sits."""


def _one_line(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


Line = Annotated[str, BeforeValidator(_one_line)]


class Settings(BaseSettings):
    """What may differ between two installations. Secrets are masked in every printed form."""

    model_config = SettingsConfigDict(env_prefix="LEADSTREAMS_", extra="forbid", frozen=True)

    broker: Line = Field("127.0.0.1:9092", description="host:port[,host:port]")
    model: Line = Field("b2b", description="a scoring model file, or the name of a shipped one")
    delivery: Delivery = Field(
        "exactly-once", description="at-least-once only where the broker has no transactions"
    )
    pipeline: Line = Field(
        "leadstreams",
        pattern=r"^[a-z0-9][a-z0-9-]{0,63}$",
        description="part of each handoff's id; never changed",
    )
    secret: SecretStr | None = Field(None, description="the identity secret: lead keys are hashed with it")
    secret_file: Path | None = Field(None, description="a file that holds the identity secret")
    key_id: str = Field("1", pattern=r"^[a-z0-9]$", description="names the secret in each lead key")
    instance: Line | None = Field(None, description="this worker's stable name: a restart keeps its partitions")
    partitions: int = Field(4, ge=1, le=4096, description="of each topic, when topics are created")
    replication: int = Field(1, ge=1, description="of each topic, when topics are created")
    worker_host: str = "127.0.0.1"
    worker_port: int = Field(9470, ge=0, le=65535, description="health and metrics; the next free one is taken")
    collector_host: str = "127.0.0.1"
    collector_port: int = Field(8800, ge=0, le=65535)
    write_keys: Path | None = Field(None, description="TOML file of the collector's write keys")
    mapping: Path | None = Field(None, description="YAML file that maps tracked names to events; default: shipped")
    hooks: Path | None = Field(None, description="TOML file of the webhooks that may call, with their secrets")
    forms: Path | None = Field(None, description="YAML file that maps forms' answers to fields; default: shipped")
    enrichment: bool = Field(False, description="the collector adds channel, company domain, kind of address")
    channels: Path | None = Field(None, description="YAML file of channels, for enrichment; default: shipped")
    companies: Path | None = Field(None, description="CSV file of companies by domain, for enrichment")
    phone_region: str | None = Field(
        None, pattern=r"^[A-Z]{2}$", description="country of telephone numbers that name none, for enrichment"
    )
    flush_ms: int = Field(10, ge=1, le=60_000, description="work waits so long for more to be committed with")
    reject_share: float = Field(0.5, gt=0, le=1, description="halt a partition past this share of refused records")
    session_timeout_s: float = Field(10.0, ge=3, description="a silent worker's partitions move after this")
    lead_url: str | None = Field(LEAD_URL, description="a lead's page; {key} is filled in; empty: none")
    console_host: str = "127.0.0.1"
    console_port: int = Field(8801, ge=0, le=65535)
    console_watch: Line = Field(
        "", description="host:port[,host:port] of /metrics to show; default: this machine's"
    )
    console_access: Path | None = Field(None, description="TOML file of who may see what in the console")
    console_audit: Path | None = Field(None, description="who looked at whom, as lines of JSON; default: the log")
    console_store: Path | None = Field(None, description="keeps the console's read model; default: until it stops")
    log_format: Literal["text", "json"] = Field("text", description="json: one object a line, for log collectors")
    tracing: bool = Field(
        False, description="spans by OpenTelemetry (extra `tracing`); OTEL_EXPORTER_OTLP_ENDPOINT says where to"
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    ssl_cafile: Path | None = None
    ssl_certfile: Path | None = None
    ssl_keyfile: Path | None = None

    @model_validator(mode="after")
    def _login_is_whole(self) -> Self:
        if self.security_protocol.startswith("SASL"):
            for name in ("sasl_username", "sasl_password"):
                if not getattr(self, name):
                    raise ValueError(f"LEADSTREAMS_{name.upper()} is needed with {self.security_protocol}")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments before environment before file."""
        path = Path(os.environ.get("LEADSTREAMS_CONFIG", "leadstreams.toml"))
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=path)

    def require_secret(self) -> Secret | str:
        """The identity secret, or one line that says what to do about its absence."""
        if self.secret_file is not None:
            try:
                text = self.secret_file.read_text().strip()
            except OSError as error:
                return f"cannot read LEADSTREAMS_SECRET_FILE {self.secret_file}: {error.strerror}"
        else:
            text = self.secret.get_secret_value().strip() if self.secret else ""
        if not text:
            return "no identity secret: set LEADSTREAMS_SECRET or LEADSTREAMS_SECRET_FILE (openssl rand -hex 32)"
        if len(text.encode()) > 64:
            return "the identity secret is longer than 64 bytes (openssl rand -hex 32 makes a good one)"
        if text == DEMO_SECRET and self.delivery == "exactly-once":
            return "the identity secret is the demo's: set your own (openssl rand -hex 32)"
        return Secret(text.encode(), self.key_id)
