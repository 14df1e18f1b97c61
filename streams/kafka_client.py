"""How every Kafka client of the program reaches the brokers: addresses, encryption, authentication."""

import ssl
from typing import Any

from streams.settings import Settings


def client_options(settings: Settings) -> dict[str, Any]:
    """Keyword arguments of any aiokafka client. Raises OSError if a certificate cannot be read."""
    options: dict[str, Any] = {
        "bootstrap_servers": [address.strip() for address in settings.broker.split(",") if address.strip()],
        "security_protocol": settings.security_protocol,
    }
    if settings.security_protocol in ("SSL", "SASL_SSL"):
        options["ssl_context"] = _ssl_context(settings)
    if settings.security_protocol.startswith("SASL"):
        password = settings.sasl_password
        options["sasl_mechanism"] = settings.sasl_mechanism
        options["sasl_plain_username"] = settings.sasl_username
        options["sasl_plain_password"] = password.get_secret_value() if password else None
    return options


def unreadable(settings: Settings) -> str | None:
    """One line if a certificate or key cannot be read: a process looks before it starts anything."""
    try:
        client_options(settings)
    except OSError as error:  # ssl.SSLError is one
        return f"cannot read the TLS settings (LEADSTREAMS_SSL_*): {error.strerror or error}"
    return None


def _ssl_context(settings: Settings) -> ssl.SSLContext:
    """Checks the broker's certificate and host name; presents our own certificate if one is set."""
    context = ssl.create_default_context(cafile=str(settings.ssl_cafile) if settings.ssl_cafile else None)
    if settings.ssl_certfile is not None:
        keyfile = str(settings.ssl_keyfile) if settings.ssl_keyfile else None
        context.load_cert_chain(str(settings.ssl_certfile), keyfile)
    return context
