"""The image and the manifests of docs/containers.md, as far as they can be tried without either."""

from __future__ import annotations

import http.client
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from snippets import ROOT
from support.ports import free_port
from support.server_process import ServerProcess

FOLDER = ROOT / "examples" / "container"
DOCKERFILE = (FOLDER / "Dockerfile").read_text()
MANIFESTS = {
    one["kind"]: one for one in yaml.safe_load_all((FOLDER / "kubernetes.yaml").read_text())
}
POD: dict[str, Any] = MANIFESTS["Deployment"]["spec"]["template"]
(CONTAINER,) = POD["spec"]["containers"]
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
PORTS = {port["name"]: port["containerPort"] for port in CONTAINER["ports"]}
BIN = Path(sys.executable).parent
SECONDS = 60
APPLICATION = """
async def application(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["client"][0].encode()})
"""


def instruction(name: str) -> str:
    """Return what follows an instruction of the last stage, its lines joined."""
    text = DOCKERFILE.replace("\\\n", " ")
    found = re.findall(rf"^{name} (.+)$", text, re.MULTILINE)
    assert found, name
    return str(found[-1])


COMMAND = json.loads(instruction("CMD"))
HEALTH_CHECK = json.loads(instruction("HEALTHCHECK").partition("CMD ")[2])


@pytest.fixture(scope="module", params=["image", "manifest"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ServerProcess, int]]:
    """The command of the image, or the manifest's arguments, on ports that are free here."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "project").mkdir()
    (folder / "project" / "asgi.py").write_text(APPLICATION)
    port, metrics = free_port(), free_port()
    given = COMMAND if request.param == "image" else CONTAINER["args"]
    assert given[0] == "casgi"
    here = {"8000": str(port), ":9100": f"127.0.0.1:{metrics}", "0.0.0.0": "127.0.0.1"}
    pattern = r"(?:^|(?<==))(8000|:9100|0\.0\.0\.0)$"
    words = [re.sub(pattern, lambda found: here[found[0]], word) for word in given[1:]]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "pyshim")}
    command = [sys.executable, "-m", "casgi", *words]
    with ServerProcess(command, port, folder / "log", folder, environment) as running:
        yield running, metrics
        running.stop()
        assert running.exit_code == 0


def get(port: int, path: str, **headers: str) -> tuple[int, str]:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    client.request("GET", path, headers=headers)
    answer = client.getresponse()
    found = answer.status, answer.read().decode()
    client.close()
    return found


def test_probes_are_answered(server: tuple[ServerProcess, int]) -> None:
    running, metrics = server
    # What is accepted waits until a worker serves.
    assert get(running.port, "/")[0] == 200
    for probe in PROBES:
        asked = CONTAINER[probe]["httpGet"]
        assert PORTS[asked["port"]] == 9100
        assert get(metrics, asked["path"])[0] == 200


def test_health_check(server: tuple[ServerProcess, int]) -> None:
    running, metrics = server
    assert get(running.port, "/")[0] == 200
    python, *words = HEALTH_CHECK
    assert python == "python"
    assert "timeout=2" in words[-1]
    words = [word.replace("timeout=2", f"timeout={SECONDS}") for word in words]
    for port, status in ((metrics, 0), (free_port(), 1)):
        there = [word.replace(":9100", f":{port}") for word in words]
        done = subprocess.run([sys.executable, *there], capture_output=True, timeout=SECONDS)
        assert done.returncode == status


def test_manifest_fits_together() -> None:
    labels = POD["metadata"]["labels"]
    for kind in ("Deployment", "PodDisruptionBudget"):
        assert MANIFESTS[kind]["spec"]["selector"]["matchLabels"] == labels
    assert MANIFESTS["Service"]["spec"]["selector"] == labels
    assert [port["targetPort"] for port in MANIFESTS["Service"]["spec"]["ports"]] == ["http"]
    target = MANIFESTS["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", "site")
    mounted = {mount["name"] for mount in CONTAINER["volumeMounts"]}
    assert mounted == {volume["name"] for volume in POD["spec"]["volumes"]}


def test_image_and_manifest_are_of_one_mind() -> None:
    assert instruction("EXPOSE").split() == [str(port) for port in PORTS.values()]
    assert int(instruction("USER")) > 0
    assert POD["spec"]["securityContext"]["runAsNonRoot"]


def test_grace_period_is_longer_than_a_stop() -> None:
    (command, pause) = CONTAINER["lifecycle"]["preStop"]["exec"]["command"]
    given = dict(word.split("=") for word in CONTAINER["args"] if "=" in word)
    stop = int(given["--drain"]) + int(given["--application-close-timeout"])
    assert command == "sleep"
    assert POD["spec"]["terminationGracePeriodSeconds"] >= int(pause) + stop + 5


def test_files_that_are_copied_are_ignored_by_nobody() -> None:
    """What the Dockerfile takes from the project's folder reaches the builder."""
    ignored = (FOLDER / ".dockerignore").read_text().split()
    copied = [shlex.split(line)[1] for line in re.findall(r"^COPY (?!--).*$", DOCKERFILE, re.M)]
    assert set(copied) == {".", "requirements.txt", "wheels"}
    assert not set(copied) & set(ignored)
