"""Metrics: what runs for long serves them, where a Prometheus looks, and not to the world."""

import re

import pytest

from tests.runners.deploy.templates import (
    COMPOSE,
    documents,
    flink_deployment,
    kubernetes_files,
    ours,
)

PORT = "9400"
#: What runs until it is ended.
SERVING = [each for each in ours() if {"--every=30", "--port=50000"} & set(each.argv)]


def pods(node):
    """The templates of pods within documents that have annotations."""
    if isinstance(node, dict):
        if "spec" in node and "annotations" in node.get("metadata", {}):
            yield node
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from pods(each)


def test_there_is_something_to_serve():
    assert len(SERVING) == 4  # Pool and loader, for compose and Kubernetes.


@pytest.mark.parametrize("container", SERVING, ids=lambda each: each.place)
def test_what_runs_for_long_serves_them(container):
    assert f"--metrics_port=0.0.0.0:{PORT}" in container.argv


def test_annotations_name_the_port_of_a_container():
    scraped = [
        pod
        for path in kubernetes_files()
        for pod in pods(documents(path))
        if pod["metadata"]["annotations"].get("prometheus.io/scrape") == "true"
    ]
    assert len(scraped) == 2
    for pod in scraped:
        assert pod["metadata"]["annotations"]["prometheus.io/port"] == PORT
        named = [p for each in pod["spec"]["containers"] for p in each.get("ports", ())]
        assert {"name": "metrics", "containerPort": int(PORT)} in named


def test_flink_reports_where_its_containers_say():
    spec = flink_deployment()["spec"]
    settings = spec["flinkConfiguration"]
    (main,) = spec["podTemplate"]["spec"]["containers"]
    ports = {each["name"]: each["containerPort"] for each in main["ports"]}
    assert settings["metrics.reporter.prom.port"] == str(ports["flink-metrics"])
    text = COMPOSE.read_text()
    for name, value in settings.items():
        if name.startswith("metrics."):
            assert re.search(rf"^\s+{re.escape(name)}: {re.escape(value)}$", text, re.MULTILINE)


def test_compose_publishes_none_of_them():
    (document,) = documents(COMPOSE)
    published = [port for each in document["services"].values() for port in each.get("ports", ())]
    assert published
    assert not [port for port in published if re.search(r"9249|9400", port)]
