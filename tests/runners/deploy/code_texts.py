"""What our code can say, read from its sources: texts, with ``...`` for what varies."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

_PROJECT: Final = Path(__file__).parents[3]
_PACKAGES: Final = ("schemas", "transforms", "runners", "beam_pipelines")
#: How ``logging`` writes what varies.
_PERCENT: Final = re.compile(r"%(?:\.\d+)?[sdrf]")
_LOGS: Final = {"_log", "_LOG"}
#: Where the name of a broken rule stands in the calls that make breaches.
_RULE_AT: Final = {"breach": 1, "_ranges": 1, "_at": 0}


@dataclass(frozen=True)
class Said:
    """A text in the code.

    Attributes:
        text: Itself, on one line.
        by: The function or class that is called with it first; empty if there is none.
    """

    text: str
    by: str


@cache
def said() -> frozenset[Said]:
    """Returns all texts of the four packages."""
    return frozenset(text for tree in _trees().values() for text in _texts(tree))


@cache
def broken_rules() -> frozenset[str]:
    """Returns the names of the rules that ``verify`` can find broken."""
    trees = (tree for path, tree in _trees().items() if "verify" in path.as_posix())
    return frozenset(rule for tree in trees for rule in _rules(tree))


@cache
def _trees() -> Mapping[Path, ast.Module]:
    paths = (path for name in _PACKAGES for path in (_PROJECT / name).rglob("*.py"))
    return {path: ast.parse(path.read_text()) for path in paths}


def _texts(tree: ast.Module) -> Iterator[Said]:
    named = {
        node.targets[0].id: text
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and (text := _text(node.value, {}))
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and (text := _text(node.args[0], named)):
            yield Said(text, _name(node.func))
        elif text := _text(node, named):
            yield Said(text, "")


def _text(node: ast.AST, named: Mapping[str, str]) -> str:
    """Returns what an expression says; empty if it isn't one text."""
    match node:
        case ast.Constant(value=str(text)):
            return " ".join(_PERCENT.sub("...", text).split())
        case ast.JoinedStr(values=parts):
            return "".join(_part(part) for part in parts)
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return f"{_text(left, named)} {_text(right, named)}" if _text(left, named) else ""
        case ast.Name(id=name):
            return named.get(name, "")
    return ""


def _part(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) else "..."


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        owner = function.value.id if isinstance(function.value, ast.Name) else ""
        return f"log.{function.attr}" if owner in _LOGS else function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _rules(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        found: list[ast.expr] = [each.value for each in node.keywords if each.arg == "rule"]
        at = _RULE_AT.get(_name(node.func))
        if at is not None and len(node.args) > at:
            found.append(node.args[at])
        yield from (str(each.value) for each in found if isinstance(each, ast.Constant))
