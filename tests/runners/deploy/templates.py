"""The templates as data: documents, containers, and what of them is ours."""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

FOLDER: Final = Path(__file__).parents[3] / "runners" / "deploy"
COMPOSE: Final = FOLDER / "compose.yaml"
DOCKERFILE: Final = FOLDER / "Dockerfile"
#: The image that our Dockerfile makes, without its tag.
OURS: Final = "pharmabeam"
#: Stands for what a Secret, or the shell that starts compose, holds.
SECRET: Final = "a secret"

_REFERENCE: Final = re.compile(r"\$\((\w+)\)")


@dataclass(frozen=True, kw_only=True)
class Container:
    """A container of a template.

    Attributes:
        place: File and name.
        image: Its image.
        command: All words of its command, as the template has them.
        variables: Its environment; ``SECRET`` for what stands elsewhere.
        references: Variables that the template itself puts into the command.
    """

    place: str
    image: str
    command: tuple[str, ...]
    variables: Mapping[str, str]
    references: frozenset[str]

    @property
    def is_ours(self) -> bool:
        return self.image.partition(":")[0] == OURS

    @property
    def module(self) -> str:
        """What ``python -m`` runs."""
        return self._words[0]

    @property
    def argv(self) -> list[str]:
        """The arguments, with references put in."""
        return [
            _REFERENCE.sub(lambda found: self.variables[found[1]], word) for word in self._words[1:]
        ]

    @property
    def _words(self) -> list[str]:
        words = list(self.command)
        if words[:2] == ["sh", "-c"]:
            words = shlex.split(words[2].partition("||")[0])
        assert words[:2] == ["python", "-m"], self.place
        return words[2:]


def documents(path: Path) -> list[Any]:
    """Returns the documents of a YAML file."""
    return list(yaml.safe_load_all(path.read_text()))


def kubernetes_files() -> list[Path]:
    """Returns the files of Kubernetes objects, without those for kustomize."""
    found = (FOLDER / "kubernetes").rglob("*.yaml")
    return sorted(path for path in found if path.name != "kustomization.yaml")


def flink_deployment() -> Any:
    """Returns the FlinkDeployment."""
    (found,) = documents(FOLDER / "kubernetes" / "stream" / "flink.yaml")
    return found


def label(each: Path | Container) -> str:
    """Returns the name of a test's parameter."""
    return str(each.relative_to(FOLDER)) if isinstance(each, Path) else each.place


def containers() -> list[Container]:
    """Returns the containers of all templates."""
    settings = {
        name: value
        for path in kubernetes_files()
        for each in documents(path)
        if each["kind"] == "ConfigMap"
        for name, value in each["data"].items()
    }
    inside = [
        _of_pod(path, each, settings)
        for path in kubernetes_files()
        for document in documents(path)
        for each in _listed(document)
        if "image" in each
    ]
    return [*_of_compose(), *inside]


def ours() -> list[Container]:
    """Returns the containers that run our image."""
    return [each for each in containers() if each.is_ours]


def _of_compose() -> Iterator[Container]:
    (document,) = documents(COMPOSE)
    for name, service in document["services"].items():
        variables = {
            key: SECRET if str(value).startswith("${") else str(value)
            for key, value in service.get("environment", {}).items()
        }
        words = [*_words(service.get("entrypoint")), *_words(service.get("command"))]
        yield Container(
            place=f"compose.yaml {name}",
            image=service["image"],
            command=tuple(words),
            variables=variables,
            references=frozenset(),
        )


def _of_pod(path: Path, container: Any, settings: Mapping[str, str]) -> Container:
    named = {each["name"]: each.get("value", SECRET) for each in container.get("env", ())}
    command = (*container.get("command", ()), *container.get("args", ()))
    return Container(
        place=f"{path.parent.name}/{path.name} {container['name']}",
        image=container["image"],
        command=command,
        variables={**(settings if "envFrom" in container else {}), **named},
        references=frozenset(_REFERENCE.findall(" ".join(command))),
    )


def _listed(value: Any) -> Iterator[dict[str, Any]]:
    """Yields every container below a value."""
    if isinstance(value, dict):
        for name in ("containers", "initContainers"):
            yield from value.get(name, ())
    children = value.values() if isinstance(value, dict) else value
    for child in children:
        if isinstance(child, dict | list):
            yield from _listed(child)


def _words(value: str | Sequence[str] | None) -> list[str]:
    return value.split() if isinstance(value, str) else list(value or ())
