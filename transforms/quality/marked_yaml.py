"""YAML that remembers on which line each value stands, and refuses a key that stands twice."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml


class MarkedYamlError(Exception):
    """The text is no YAML, or holds a key twice.

    Args:
        line: From 1.
        reason: What is wrong there.
    """

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(line, reason)
        self.line = line
        self.reason = reason

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


@dataclass(frozen=True)
class MarkedYaml:
    """A parsed document.

    Attributes:
        value: Its plain values.
        root: Its nodes; None for an empty document.
    """

    value: Any
    root: yaml.Node | None

    def line(self, path: Sequence[str | int]) -> int:
        """Returns the line, from 1, of a key or list item, or of the nearest one above it."""
        node, line = self.root, 1
        for step in path:
            found = _child(node, step)
            if found is None:
                break
            node, line = found
        return line


def parse_marked(text: str) -> MarkedYaml:
    """Parses a document.

    Raises:
        MarkedYamlError: Says the line and why.
    """
    try:
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        _check_keys(root)
        return MarkedYaml(None if root is None else loader.construct_document(root), root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = error.problem or "it is no YAML"
        raise MarkedYamlError(mark.line + 1 if mark else 1, reason) from None
    except (yaml.YAMLError, ValueError) as error:
        # Such as the date 2026-02-30, or an unprintable character: PyYAML doesn't tell the line.
        raise MarkedYamlError(1, f"it is no YAML ({type(error).__name__})") from None


def _child(node: yaml.Node | None, step: str | int) -> tuple[yaml.Node, int] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return value, key.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        item = node.value[step]
        return item, item.start_mark.line + 1
    return None


def _check_keys(node: yaml.Node | None) -> None:
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _check_keys(item)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                raise MarkedYamlError(
                    key.start_mark.line + 1, f"the key {key.value!r} stands twice"
                )
            seen.add(str(key.value))
            _check_keys(value)
