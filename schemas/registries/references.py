"""Schema references: a registered schema that uses types of other registered ones.

Source: Confluent Schema Registry, "Schema references". Avro itself knows no references, so each
named type is put in at its first use.
"""

from collections.abc import Mapping
from typing import Any

__all__ = ["inline"]


def inline(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """Puts the definitions of referenced types in.

    Args:
        schema: A schema's JSON, in which some names aren't defined.
        definitions: Full name -> JSON of the type's own schema, itself without references.

    Returns:
        JSON that stands alone; ``schema`` is left as it was.
    """
    return _Inliner(definitions).type(schema, "")


class _Inliner:
    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self._left = dict(definitions)

    def type(self, schema: Any, namespace: str) -> Any:
        if isinstance(schema, str):
            return self._name(schema, namespace)
        if isinstance(schema, list):
            return [self.type(branch, namespace) for branch in schema]
        if not isinstance(schema, dict):
            return schema
        if "name" in schema:
            namespace = _namespace(schema, namespace)
        return {key: self._attribute(key, value, namespace) for key, value in schema.items()}

    def _attribute(self, key: str, value: Any, namespace: str) -> Any:
        if key in ("type", "items", "values"):
            return self.type(value, namespace)
        if key == "fields":
            return [{**f, "type": self.type(f["type"], namespace)} for f in value]
        return value

    def _name(self, name: str, namespace: str) -> Any:
        full = name if "." in name or not namespace else f"{namespace}.{name}"
        # A reference may also name a type outside of any namespace.
        for candidate in (full, name):
            if candidate in self._left:
                # Without this a type of no namespace would take on the one around it.
                definition = {"namespace": "", **self._left.pop(candidate)}
                return self.type(definition, _namespace(definition, ""))
        return name


def _namespace(schema: Mapping[str, Any], outer: str) -> str:
    name = str(schema["name"])
    return name.rpartition(".")[0] if "." in name else str(schema.get("namespace", outer))
