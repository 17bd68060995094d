"""Reading a configuration file: overrides, paths, and errors that name file, key and rule."""

import re
from collections.abc import Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from beam_pipelines.pharmacy.config.model import PharmacyConfig
from transforms.errors import ConfigurationError

PACKAGE: Final = "package:"
_PACKAGED: Final = "pharmacy.yaml"


def load_config(path: str | None, overrides: Sequence[str] = ()) -> PharmacyConfig:
    """Reads a configuration file; the packaged one if none is named.

    Args:
        path: The file. Paths in it count from its folder.
        overrides: ``key=value``: ``masking.policy=limited``, ``topics.0.topic=events``. The value
            is YAML.

    Raises:
        ConfigurationError: The file can't be read, or a key is wrong; names it and the rule.
    """
    where = path or f"the packaged {_PACKAGED}"
    raw = _parsed(where, Path(path) if path else _packaged(_PACKAGED))
    folder = Path(path).parent if path else None
    if isinstance(raw, dict) and isinstance(raw.get("warehouse"), str):
        raw["warehouse"] = _included(raw["warehouse"], folder)
    for override in overrides:
        _override(raw, override)
    if isinstance(raw, dict):
        _anchor(raw, folder)
    try:
        return PharmacyConfig.model_validate(raw)
    except ValidationError as error:
        raise ConfigurationError(_fault(where, error), "Correct it or take it out") from error


def rule_file(name: str) -> Any:
    """Returns a rule file by the name that a loaded configuration has for it."""
    return _packaged(name.removeprefix(PACKAGE)) if name.startswith(PACKAGE) else name


def json_schema() -> dict[str, Any]:
    """Returns the JSON Schema (2020-12) of a configuration file, for editors."""
    made = PharmacyConfig.model_json_schema(by_alias=True)
    # It may stand in a file of its own; the model only ever sees what stands there.
    section = made["properties"]["warehouse"]
    made["properties"]["warehouse"] = {"anyOf": [section, {"type": "string"}]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}


def _included(name: str, folder: Path | None) -> Any:
    """Returns the section that a file of its own holds."""
    if name.startswith(PACKAGE):
        return _parsed(name, _packaged(name.removeprefix(PACKAGE)))
    path = (folder or Path()) / name
    return _parsed(str(path), path)


def _packaged(name: str) -> Traversable:
    return files("beam_pipelines.pharmacy").joinpath(name)


def _parsed(where: str, file: Traversable) -> Any:
    try:
        return yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(
            f"the configuration {where} can't be read ({error.strerror})", "Check --config"
        ) from error
    except UnicodeDecodeError:
        raise ConfigurationError(
            f"the configuration {where} is not UTF-8 text", "Save it as UTF-8"
        ) from None
    except yaml.YAMLError as error:
        raise ConfigurationError(
            f"the configuration {where} is no YAML{_line(error)}", "Correct it"
        ) from error


_KEY: Final = re.compile(r"[\w.-]+")


def _override(raw: Any, text: str) -> None:
    key, equals, value = text.partition("=")
    if not equals or not _KEY.fullmatch(key):
        raise ConfigurationError(
            f"--set must be key=value, got {key!r}", "Write --set masking.policy=limited"
        )
    try:
        parsed = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ConfigurationError(f"the value of --set {key} is no YAML", "Quote it") from error
    *path, last = key.split(".")
    place = raw
    for part in path:
        place = _below(place, part, key)
    if isinstance(place, list):
        place[_index(place, last, key)] = parsed
    elif isinstance(place, dict):
        place[last] = parsed
    else:
        raise _no_place(key)


def _below(place: Any, part: str, key: str) -> Any:
    if isinstance(place, list):
        return place[_index(place, part, key)]
    if isinstance(place, dict):
        return place.setdefault(part, {})
    raise _no_place(key)


def _index(place: list[Any], part: str, key: str) -> int:
    if not part.isdigit() or int(part) >= len(place):
        raise ConfigurationError(
            f"--set {key}: {part} must be a number below {len(place)}", "Lists count from 0"
        )
    return int(part)


def _no_place(key: str) -> ConfigurationError:
    return ConfigurationError(
        f"--set {key} leads through a value that has no keys", "Check the path"
    )


def _anchor(raw: dict[str, Any], folder: Path | None) -> None:
    """Makes paths count from the file's folder, not from wherever the job is started."""
    if folder is None:
        return
    for topic in _items(raw.get("topics")):
        if isinstance(topic, dict) and isinstance(topic.get("schema_file"), str):
            topic["schema_file"] = str(folder / topic["schema_file"])
    rules = raw.get("rules")
    if isinstance(rules, dict) and isinstance(rules.get("files"), list):
        rules["files"] = [_anchored(name, folder) for name in rules["files"]]


def _anchored(name: Any, folder: Path) -> Any:
    in_folder = isinstance(name, str) and not name.startswith(PACKAGE)
    return str(folder / name) if in_folder else name


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _line(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f" (line {mark.line + 1})" if mark else ""


def _fault(where: str, error: ValidationError) -> str:
    first: Any = error.errors(include_url=False, include_input=False)[0]
    key = ".".join(str(part) for part in first["loc"]) or "the file"
    said = first["msg"].removeprefix("Value error, ")
    rule = "is not a known key" if first["type"] == "extra_forbidden" else said
    return f"the configuration {where}: {key}: {rule}"
