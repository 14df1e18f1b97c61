"""Apache Kafka as in production: TLS, a login for everybody, and nothing allowed that was not granted."""

import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from kafka import KafkaAdminClient
from kafka.admin import ACL, ACLOperation, ACLPermissionType, ACLResourcePatternType, ResourcePattern, ResourceType

from streams.broker import LOOPBACK, free_port
from tests.kafka.broker import KafkaBroker

PASSWORD: Final = "only-in-tests"
USERS: Final = ("admin", "worker", "collector", "connector", "reader", "publisher", "sender", "nobody")


class Authority:
    """A certificate authority made with openssl."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.certificate = directory / "ca.pem"
        subject = ["-subj", "/CN=leadstreams tests"]
        _openssl("req", "-x509", *_NEW_KEY, directory / "ca.key", "-out", self.certificate, "-days", "2", *subject)

    def issue(self, name: str, expired: bool = False) -> Path:
        """A key store for a broker on loopback."""
        key, request, signed = (self._directory / f"{name}.{end}" for end in ("key", "csr", "pem"))
        _openssl("req", *_NEW_KEY, key, "-out", request, "-subj", f"/CN={name}")
        names = self._directory / f"{name}.ext"
        names.write_text(f"subjectAltName=IP:{LOOPBACK},DNS:localhost\n")
        self._sign(request, signed, names, "200102000000Z" if expired else "20491231000000Z")
        store = self._directory / f"{name}.p12"
        _openssl(
            *("pkcs12", "-export", "-inkey", key, "-in", signed, "-certfile", self.certificate),
            *("-out", store, "-passout", f"pass:{PASSWORD}"),
        )
        return store

    def identity(self, name: str) -> tuple[Path, Path]:
        """Certificate and key of a client, as files."""
        certificate, key = self._directory / f"{name}.pem", self._directory / f"{name}.key"
        if not certificate.exists():
            self.issue(name)
        return certificate, key

    def _sign(self, request: Path, signed: Path, names: Path, until: str) -> None:
        """By `openssl ca`, which alone can date a certificate back."""
        folder = self._directory
        (folder / "database").write_text("")
        settings = folder / "ca.cnf"
        settings.write_text(
            f"[ca]\ndefault_ca=ours\n[ours]\ndatabase={folder}/database\nnew_certs_dir={folder}\n"
            "rand_serial=yes\ndefault_md=sha256\npolicy=any\n[any]\ncommonName=supplied\n"
        )
        ours = ("-config", settings, "-cert", self.certificate, "-keyfile", folder / "ca.key")
        span = ("-startdate", "200101000000Z", "-enddate", until)
        _openssl("ca", "-batch", "-notext", *ours, "-in", request, "-out", signed, "-extfile", names, *span)


_NEW_KEY: Final = ("-newkey", "rsa:2048", "-nodes", "-keyout")


def _openssl(*arguments: object) -> None:
    ran = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr


class Addresses(NamedTuple):
    """Of a guarded broker: where clients log in, and where they show a certificate."""

    login: str
    mutual: str


def guarded_broker(directory: Path, authority: Authority, expired: bool = False) -> tuple[KafkaBroker, Addresses]:
    """A broker that is not started yet, and where it will be found."""
    login, mutual = free_port(), free_port()
    store = authority.issue("expired", expired=True) if expired else authority.issue("broker")
    users = " ".join(f'user_{name}="{PASSWORD}-{name}"' for name in USERS)
    jaas = f"org.apache.kafka.common.security.plain.PlainLoginModule required {users};"
    broker = KafkaBroker(directory)
    plain = f"PLAINTEXT://{LOOPBACK}:{broker.port}"
    controller = f"CONTROLLER://{LOOPBACK}:{broker._controller_port}"
    outside = f"OUTSIDE://{LOOPBACK}:{login},MUTUAL://{LOOPBACK}:{mutual}"
    protocols = "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,OUTSIDE:SASL_SSL,MUTUAL:SSL"
    broker._properties = {
        "listeners": f"{plain},{controller},{outside}",
        "advertised.listeners": f"{plain},{outside}",
        "listener.security.protocol.map": protocols,
        "listener.name.outside.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.outside.plain.sasl.jaas.config": jaas,
        "listener.name.mutual.ssl.client.auth": "required",
        "listener.name.mutual.ssl.truststore.type": "PEM",
        "listener.name.mutual.ssl.truststore.location": str(authority.certificate),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS;User:admin;User:CN=admin",
    }
    for listener in ("outside", "mutual"):
        broker._properties |= {
            f"listener.name.{listener}.ssl.keystore.type": "PKCS12",
            f"listener.name.{listener}.ssl.keystore.location": str(store),
            f"listener.name.{listener}.ssl.keystore.password": PASSWORD,
        }
    return broker, Addresses(f"{LOOPBACK}:{login}", f"{LOOPBACK}:{mutual}")


def variables(address: Addresses, user: str, authority: Authority) -> dict[str, str]:
    """The settings of a process that logs in as `user`."""
    return {
        **_own(authority),
        "LEADSTREAMS_BROKER": address.login,
        "LEADSTREAMS_SECURITY_PROTOCOL": "SASL_SSL",
        "LEADSTREAMS_SASL_MECHANISM": "PLAIN",
        "LEADSTREAMS_SASL_USERNAME": user,
        "LEADSTREAMS_SASL_PASSWORD": f"{PASSWORD}-{user}",
    }


def mutual_variables(address: Addresses, user: str, authority: Authority) -> dict[str, str]:
    """The settings of a process that shows the certificate of `user`."""
    certificate, key = authority.identity(user)
    return {
        **_own(authority),
        "LEADSTREAMS_BROKER": address.mutual,
        "LEADSTREAMS_SECURITY_PROTOCOL": "SSL",
        "LEADSTREAMS_SSL_CERTFILE": str(certificate),
        "LEADSTREAMS_SSL_KEYFILE": str(key),
    }


def _own(authority: Authority) -> dict[str, str]:
    return {
        "LEADSTREAMS_SSL_CAFILE": str(authority.certificate),
        "LEADSTREAMS_SECRET": "a-secret-for-tests-of-operations",
        "LEADSTREAMS_CONFIG": "/nonexistent/leadstreams.toml",
    }


def grant(broker: KafkaBroker, rights: Iterable[tuple[str, str, str, str, bool]]) -> None:
    """Allow (user, operation, kind, name, whether the name is a prefix), by password and by certificate."""
    client = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    try:
        client.create_acls([_acl(f"{way}{right[0]}", *right[1:]) for right in rights for way in ("", "CN=")])
    finally:
        client.close()


def _acl(user: str, operation: str, kind: str, name: str, prefixed: bool) -> ACL:
    pattern = ACLResourcePatternType.PREFIXED if prefixed else ACLResourcePatternType.LITERAL
    resource = ResourcePattern(ResourceType[kind], name, pattern)
    return ACL(f"User:{user}", "*", ACLOperation[operation], ACLPermissionType.ALLOW, resource)
