"""The dashboard, the alerts and the page of metrics, against what a server answers."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from support.casgi_process import CasgiProcess
from support.ports import free_port
from test_routes import fetch

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "metrics.md"
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "casgi.json").read_text())
RULES_FILE = ROOT / "deploy" / "prometheus" / "casgi.rules.yml"
RULES = [
    rule for group in yaml.safe_load(RULES_FILE.read_text())["groups"] for rule in group["rules"]
]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
# Those that Prometheus and Grafana add.
THEIR_LABELS = {"instance", "le"}


def expressions() -> Iterator[tuple[str, str]]:
    for rule in RULES:
        yield rule["alert"], rule["expr"]
    for panel in PANELS:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


EXPRESSIONS = list(expressions())


def served(*arguments: str) -> str:
    """Return the page of a server that has served a request of a route."""
    metrics = free_port()
    project = Path(__file__).parent / "project"
    site = CasgiProcess(
        *("-p", "0", "--metrics", str(metrics), *arguments, "routed_django:application"),
        folder=project,
    )
    try:
        assert fetch(site.port(), "/articles/1/")[0] == 200
        # The application has ended a moment after its response.
        while 'route="articles' not in (text := fetch(metrics, "/metrics")[1]):
            pass
        return text
    finally:
        site.close()


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return {"single": served(), "workers": served("--workers", "2")}


def families(page: str) -> dict[str, str]:
    """Return the kind of each metric."""
    return dict(re.findall(r"^# TYPE (\w+) (\w+)$", page, re.MULTILINE))


def samples(page: str) -> dict[str, set[str]]:
    """Return the labels of each name that a sample has."""
    labels: dict[str, set[str]] = {}
    for name, inner in re.findall(r"^(\w+)(?:\{(.*)\})? \S+$", page, re.MULTILINE):
        labels.setdefault(name, set()).update(re.findall(r'(\w+)="', inner))
    return labels


def test_page_has_every_metric_and_no_other(pages):
    named = set(re.findall(r"`(casgi_\w+)(?:\{\w+\})?`", PAGE.read_text()))
    assert named == set(families(pages["workers"]))
    assert set(families(pages["single"])) <= named


def test_labels_are_those_of_the_page(pages):
    kinds = families(pages["workers"])
    of_page = dict(re.findall(r"`(casgi_\w+)\{(\w+)\}`", PAGE.read_text()))
    for name, labels in samples(pages["workers"]).items():
        family = name if name in kinds else name.rpartition("_")[0]
        expected = {of_page[family]} if family in of_page else set()
        assert labels - THEIR_LABELS == expected, name


@pytest.mark.parametrize("expression", [each for _, each in EXPRESSIONS])
def test_expression_is_one_of_what_is_there(pages, expression):
    promql_parser.parse(expression.replace("$__rate_interval", "1m"))
    there = samples(pages["workers"])
    used = set(re.findall(r"\bcasgi_\w+", expression))
    assert used
    assert used - there.keys() == set()
    labels = set().union(*(there[each] for each in used)) | THEIR_LABELS
    grouped = re.findall(r"\bby \(([^)]*)\)", expression)
    wanted = {label.strip() for group in grouped for label in group.split(",")}
    assert wanted - labels == set()
    # A counter is looked at by how it grows, a gauge by what it is.
    kinds = families(pages["workers"])
    for each in used:
        grows = kinds.get(each, "counter") == "counter"
        is_rate = re.search(rf"\b(rate|increase)\({each}\b", expression) is not None
        assert is_rate == grows, each


def test_dashboard_shows_every_metric(pages):
    shown = " ".join(expression for _, expression in EXPRESSIONS)
    for name, kind in families(pages["workers"]).items():
        assert re.search(rf"\b{name}{'_bucket' if kind == 'histogram' else ''}\b", shown), name


def test_dashboard_is_one():
    numbers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(numbers)) == len(numbers)
    places: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place: dict[str, Any] = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        covered = {
            (place["x"] + across, place["y"] + down)
            for across in range(place["w"])
            for down in range(place["h"])
        }
        assert not covered & places, panel["title"]
        places |= covered
    variables = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    named = set(re.findall(r"\$\{?([a-z]\w*)", json.dumps(DASHBOARD["panels"])))
    assert named == variables


def test_alerts_say_what_is_wrong():
    assert len({rule["alert"] for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"]


def test_promtool_agrees():
    """Where Prometheus is installed; its own tests of the alerts as well."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool, which comes with Prometheus, is not installed")
    for arguments in (
        ["check", "rules", RULES_FILE.name],
        ["test", "rules", "casgi.rules.test.yml"],
    ):
        done = subprocess.run(
            [promtool, *arguments],
            cwd=RULES_FILE.parent,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
