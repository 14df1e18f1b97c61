"""Containers and manifests, as far as they can be tried without an engine or a cluster."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import typer.main
import yaml
from cloudcoil.models.keda.v1alpha1 import ScaledObject, TriggerAuthentication
from cloudcoil.models.prometheus_operator.v1 import ServiceMonitor
from pydantic import BaseModel

from streams.cli import build
from streams.settings import Settings

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
VARIABLES = {f"LEADSTREAMS_{name.upper()}" for name in Settings.model_fields}
OF_CONNECTORS = {"LEADSTREAMS_WEBHOOK_URL", "LEADSTREAMS_WEBHOOK_SECRET"}
COMMANDS = set(getattr(typer.main.get_command(build()), "commands", {}))
CUSTOM: dict[str, type[BaseModel]] = {
    "ServiceMonitor": ServiceMonitor,
    "ScaledObject": ScaledObject,
    "TriggerAuthentication": TriggerAuthentication,
}
"""Kinds that are not Kubernetes's own, as their operators' definitions have them."""
KUSTOMIZE = {"Kustomization", "Component"}
"""Read by kubectl, not by the cluster."""


def manifests() -> list[dict[str, Any]]:
    return [
        document
        for path in sorted(KUBERNETES.rglob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text())
    ]


def templates() -> list[dict[str, Any]]:
    return [found["spec"]["template"] for found in manifests() if "template" in found.get("spec", {})]


def pods() -> list[dict[str, Any]]:
    return [template["spec"] for template in templates()]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("manifest", manifests(), ids=lambda found: str(found["kind"]))
def test_manifests_are_valid_by_the_schemas_of_kubernetes(manifest: dict[str, Any]) -> None:
    if (model := CUSTOM.get(manifest["kind"])) is not None:
        understood = model.model_validate(manifest).model_dump(mode="json", by_alias=True, exclude_unset=True)
        assert understood == manifest  # a field that the definition does not know is dropped
    elif manifest["kind"] not in KUSTOMIZE:
        kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)


@pytest.mark.parametrize("folder", [KUBERNETES, *KUBERNETES.glob("components/*")], ids=lambda path: path.name)
def test_the_kustomization_names_every_manifest(folder: Path) -> None:
    named = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
    assert {*named, "kustomization.yaml"} == {path.name for path in folder.glob("*.yaml")}


def test_what_disturbs_what_scales_and_what_is_watched_there_is() -> None:
    """Every reference by name or label leads to a pod template or a service of the same folder."""
    found = manifests()
    labels = [template["metadata"]["labels"] for template in templates()]
    services = [one["metadata"].get("labels", {}) for one in found if one["kind"] == "Service"]
    names = {(one["kind"], one["metadata"]["name"]) for one in found if "metadata" in one}
    for one in found:
        spec = one.get("spec", {})
        wanted = spec.get("podSelector", spec.get("selector", {})).get("matchLabels")
        among = services if one["kind"] == "ServiceMonitor" else labels
        assert wanted is None or any(wanted.items() <= had.items() for had in among), one["metadata"]
        scaled = spec.get("scaleTargetRef")
        assert scaled is None or (scaled["kind"], scaled["name"]) in names
    watched = {one["metadata"]["name"] for one in found if one["kind"] == "ServiceMonitor"}
    assert watched == {name for kind, name in names if kind in ("StatefulSet", "Deployment")}
    disturbed = {one["metadata"]["name"] for one in found if one["kind"] == "PodDisruptionBudget"}
    assert disturbed == {"leadstreams-worker", "leadstreams-collector"}  # one connector: it may be away a moment


def test_there_are_never_more_workers_than_partitions() -> None:
    scaled = [one["spec"] for one in manifests() if "scaleTargetRef" in one.get("spec", {})]
    most = {spec.get("maxReplicas", spec.get("maxReplicaCount")) for spec in scaled}
    assert most == {Settings.model_fields["partitions"].default}


def test_pods_run_without_rights_on_a_file_system_that_cannot_be_written() -> None:
    assert len(pods()) == 3
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
    assert given <= VARIABLES | OF_CONNECTORS


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


def test_compose_takes_the_file_by_its_own_schema() -> None:
    checker = Path(sys.executable).with_name("check-jsonschema")
    words = [str(checker), "--builtin-schema", "vendor.compose-spec", str(ROOT / "docker-compose.yml")]
    ran = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_every_service_that_runs_on_says_whether_it_is_well_and_waits_for_what_it_needs() -> None:
    for name, service in COMPOSE["services"].items():
        ends = service["restart"] == "on-failure"
        assert ends or "healthcheck" in service, name
        waits = {other: how["condition"] for other, how in service.get("depends_on", {}).items()}
        assert set(waits.values()) <= {"service_healthy", "service_completed_successfully"}, name
        assert service.get("user") or service.get("build"), name  # our image has its own


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


HADOLINT = Path(sys.executable).with_name("hadolint")


def test_hadolint_finds_nothing() -> None:
    ran = subprocess.run([str(HADOLINT), str(ROOT / "Dockerfile")], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_hadolint_finds_something_where_there_is_something(tmp_path: Path) -> None:
    bad = tmp_path / "Dockerfile"
    bad.write_text("FROM debian\nRUN sudo apt-get install curl\n")
    ran = subprocess.run([str(HADOLINT), str(bad)], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 1
    assert "DL3004" in ran.stdout


def test_the_health_checks_are_python_that_compiles() -> None:
    for service in COMPOSE["services"].values():
        test = service.get("healthcheck", {}).get("test", [])
        if test[1:3] == ["python", "-c"]:
            compile(test[3], "healthcheck", "exec")
