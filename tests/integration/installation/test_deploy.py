"""The manifests are valid, and agree with the settings, services, ports and paths of the code."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import httpx
import kubernetes_validate
import pytest
import yaml
from pydantic import BaseModel

from postrail.settings import KafkaSettings, Settings
from postrail.stream.topics import apply_topics

REPOSITORY = Path(__file__).parents[3]
BASE = REPOSITORY / "deploy" / "k8s" / "base"
PACKAGES = {path.parent.name for path in (REPOSITORY / "services").glob("*/__main__.py")}
SERVICES = sorted(PACKAGES - {"cli"})
KUBERNETES = "1.34"

Manifest = dict[str, Any]


def manifest(name: str) -> Manifest:
    return cast(Manifest, yaml.safe_load((BASE / name).read_text()))


RESOURCES: list[str] = manifest("kustomization.yaml")["resources"]
CONFIG: dict[str, str] = manifest("configmap.yaml")["data"]


def containers(resource: Manifest) -> Iterator[Manifest]:
    spec = resource.get("spec", {}).get("template", {}).get("spec", {})
    yield from spec.get("initContainers", [])
    yield from spec.get("containers", [])


ALL_CONTAINERS = [
    pytest.param(container, id=f"{name}:{container['name']}")
    for name in RESOURCES
    for container in containers(manifest(name))
]
DEPLOYMENTS = [name for name in RESOURCES if manifest(name)["kind"] == "Deployment"]


def setting_names(model: type[BaseModel], prefix: str) -> Iterator[str]:
    """Returns the environment names of all settings below a model."""
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from setting_names(inner, f"{prefix}{name.upper()}__")
        else:
            yield f"{prefix}{name.upper()}"


KNOWN_SETTINGS = set(setting_names(Settings, "POSTRAIL_"))


def test_all_files_are_listed() -> None:
    files = {path.name for path in BASE.glob("*.yaml")}
    assert files == {*RESOURCES, "kustomization.yaml"}


@pytest.mark.parametrize("name", RESOURCES)
def test_kubernetes_accepts_it(name: str) -> None:
    kubernetes_validate.validate(manifest(name), KUBERNETES, strict=True)


def test_an_invalid_manifest_is_refused() -> None:
    spoilt = manifest("fetcher.yaml")
    spoilt["spec"]["replica"] = 2
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(spoilt, KUBERNETES, strict=True)


def test_each_service_has_its_deployment() -> None:
    started = [
        container["args"] for name in DEPLOYMENTS for container in containers(manifest(name))
    ]
    assert sorted(started) == [["run", service] for service in SERVICES]


@pytest.mark.parametrize("container", ALL_CONTAINERS)
def test_its_arguments_are_a_command(container: Manifest) -> None:
    command = [sys.executable, "-m", "services.cli", *container["args"], "--help"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("container", ALL_CONTAINERS)
def test_its_variables_are_settings(container: Manifest) -> None:
    variables = {variable["name"] for variable in container.get("env", [])}
    assert variables <= KNOWN_SETTINGS


def test_the_configuration_holds_settings_that_load() -> None:
    assert set(CONFIG) <= KNOWN_SETTINGS
    prefix = "POSTRAIL_KAFKA__"
    kafka = {name.removeprefix(prefix).lower(): CONFIG[name] for name in CONFIG if prefix in name}
    assert KafkaSettings.model_validate(kafka).security_protocol == "SASL_SSL"


@pytest.mark.parametrize("container", ALL_CONTAINERS)
def test_secrets_are_only_named(container: Manifest) -> None:
    assert all("valueFrom" in variable for variable in container.get("env", []))


@pytest.mark.parametrize("container", ALL_CONTAINERS)
def test_a_container_has_no_rights_beyond_its_work(container: Manifest) -> None:
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"]["memory"]


@pytest.mark.parametrize("name", ["fetcher.yaml", "parser.yaml"])
def test_large_messages_have_space_on_disk(name: str) -> None:
    (container,) = containers(manifest(name))
    assert container["resources"]["requests"]["ephemeral-storage"]
    (volume,) = manifest(name)["spec"]["template"]["spec"]["volumes"]
    # On disk; `medium: Memory` would use memory.
    assert volume == {"name": "tmp", "emptyDir": {}}
    assert {"name": "tmp", "mountPath": "/tmp"} in container["volumeMounts"]


def test_an_installation_has_its_name() -> None:
    assert CONFIG["POSTRAIL_INSTANCE"]


@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_its_ports_and_paths_answer(
    name: str, environment: dict[str, str], settings: Settings, tmp_path: Path
) -> None:
    apply_topics(settings.kafka)
    (container,) = containers(manifest(name))
    (port,) = container["ports"]
    assert port["containerPort"] == int(CONFIG["POSTRAIL_SERVER__PORT"])
    probes = [container[probe] for probe in ("startupProbe", "livenessProbe", "readinessProbe")]
    paths = {probe["httpGet"]["path"] for probe in probes}
    assert {probe["httpGet"]["port"] for probe in probes} == {port["name"]}
    with socket.create_server(("127.0.0.1", 0)) as free:
        number = str(free.getsockname()[1])
    own = {**os.environ, **environment, "POSTRAIL_SERVER__PORT": number}
    log = tmp_path / "service.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.cli", *container["args"]],
            cwd=REPOSITORY,
            env=own,
            stdout=output,
            stderr=output,
        )
    try:
        for path in [*paths, "/metrics"]:
            until_ok(f"http://127.0.0.1:{number}{path}", process, log)
        process.terminate()
        assert process.wait(60) == 0, log.read_text()
    finally:
        process.kill()
        process.wait()


def until_ok(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Waits until the address answers with 200."""
    deadline = time.monotonic() + 90
    answer = ""
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            response = httpx.get(url, timeout=5)
        except httpx.TransportError:
            time.sleep(0.1)
            continue
        if response.status_code == 200:
            return
        answer = response.text
        time.sleep(0.2)
    raise AssertionError(f"{url} never answered with 200: {answer}\n{log.read_text()}")


def test_the_image_runs_as_the_user_of_the_manifests() -> None:
    lines = (REPOSITORY / "deploy" / "docker" / "Dockerfile").read_text().splitlines()
    assert "USER 10001:10001" in lines
    assert 'ENTRYPOINT ["postrail"]' in lines
    for name in DEPLOYMENTS:
        context = manifest(name)["spec"]["template"]["spec"]["securityContext"]
        assert (context["runAsUser"], context["runAsNonRoot"]) == (10001, True)
