"""The form of the templates: YAML, docker compose, Kubernetes, the Flink operator."""

import subprocess
import sys
import zipfile
from functools import cache
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from runners import maven
from tests.runners.deploy.templates import (
    COMPOSE,
    FOLDER,
    documents,
    flink_deployment,
    kubernetes_files,
    label,
)

#: Holds the definition of a FlinkDeployment; the operator's own chart has the same file.
OPERATOR = "org.apache.flink:flink-kubernetes-operator-api:1.10.0"


def complaints(*module: str) -> str:
    """What a linter says, run as a module."""
    ended = subprocess.run(
        [sys.executable, "-m", *module], capture_output=True, text=True, timeout=60
    )
    return ended.stdout + ended.stderr if ended.returncode else ""


class TestYaml:
    RULES = "{extends: default, rules: {line-length: {max: 100}, document-start: disable}}"

    def test_the_linter_finds_nothing(self):
        assert not complaints("yamllint", "--strict", "-d", self.RULES, str(FOLDER))

    def test_compose_has_the_form_that_its_specification_says(self):
        schema = ("--builtin-schema", "vendor.compose-spec")
        assert not complaints("check_jsonschema", *schema, str(COMPOSE))

    # The oldest that clouds still run, and the newest.
    @pytest.mark.parametrize("kubernetes", ["1.31", "1.37"])
    @pytest.mark.parametrize("path", kubernetes_files(), ids=label)
    def test_objects_have_the_form_that_kubernetes_says(self, path, kubernetes):
        for each in documents(path):
            if each["apiVersion"] != "flink.apache.org/v1beta1":
                kubernetes_validate.validate(each, kubernetes, strict=True)

    def test_a_misspelled_key_would_be_found(self):
        (loader,) = documents(FOLDER / "kubernetes/base/loader.yaml")
        loader["spec"]["replica"] = 2
        with pytest.raises(kubernetes_validate.ValidationError, match="replica"):
            kubernetes_validate.validate(loader, "1.37", strict=True)

    def test_kustomize_finds_each_file_and_each_file_is_named(self):
        named = set()
        for path in (FOLDER / "kubernetes").rglob("kustomization.yaml"):
            (found,) = documents(path)
            named |= {(path.parent / each).resolve() for each in found["resources"]}
        assert all(each.exists() for each in named)
        assert {each for each in named if each.is_file()} == set(kubernetes_files())


@pytest.mark.operations
class TestFlinkDeployment:
    def test_it_has_the_form_that_the_operator_says(self):
        assert not problems(flink_deployment())

    def test_a_misspelled_key_would_be_found(self):
        wrong = flink_deployment()
        wrong["spec"]["taskManager"]["replica"] = 2
        assert "replica" in problems(wrong)[0]


@cache
def schema() -> Any:
    (jar,) = maven.jars([OPERATOR])
    with zipfile.ZipFile(jar) as opened:
        text = opened.read("META-INF/fabric8/flinkdeployments.flink.apache.org-v1.yml")
    # The loader in C: the file has 9,000 lines.
    (served,) = yaml.load(text, yaml.CSafeLoader)["spec"]["versions"]
    return closed(served["schema"]["openAPIV3Schema"]["properties"]["spec"])


def problems(document: Any) -> list[str]:
    return [
        each.message
        for each in jsonschema.Draft202012Validator(schema()).iter_errors(document["spec"])
    ]


def closed(schema: Any) -> Any:
    """Returns a schema that refuses what it doesn't name: Kubernetes would silently drop it."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: closed(each) for name, each in schema.items()}
    if "properties" in made and not made.get("x-kubernetes-preserve-unknown-fields"):
        made.setdefault("additionalProperties", False)
    return made
