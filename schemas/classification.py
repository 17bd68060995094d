"""Classification of fields: what kind of personal or confidential datum each one holds.

A field carries ``"phi": {"class": ..., "mask": ...}`` and, for Confluent's catalog,
``"confluent:tags"``. Plain operational fields say so with the class ``NONE``, so that a field
nobody has thought about can be told from one that needs no care.

``CLASSES`` lists the classes: ``D:...`` direct identifiers and ``Q:...`` quasi-identifiers
(45 CFR 164.514(b)(2)(i), whose letters are given), and what concerns others than the patient.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from schemas.model import AvroSchema
from schemas.nodes import Node, Record, children

__all__ = ["CLASSES", "Classification", "classification", "unclassified"]

#: Class -> what its fields hold.
CLASSES: Final[Mapping[str, str]] = {
    "D:name": "(A) names",
    "D:geo": "(B) an address, or a place within a state",
    "D:phone": "(D) telephone numbers",
    "D:fax": "(E) fax numbers",
    "D:email": "(F) e-mail addresses",
    "D:ssn": "(G) social security numbers",
    "D:mrn": "(H) medical record numbers; here: the pharmacy's patient id",
    "D:health_plan_beneficiary": "(I) health plan beneficiary numbers",
    "D:account": "(J) account numbers",
    "D:license": "(K) certificate and license numbers",
    "D:vehicle": "(L) vehicle identifiers and plates",
    "D:device": "(M) device identifiers and serial numbers",
    "D:url": "(N) web addresses",
    "D:ip": "(O) IP addresses",
    "D:biometric": "(P) biometric identifiers",
    "D:photo": "(Q) full-face photographs",
    "D:other_unique_id": "(R) any other unique number or code",
    "D:free_text": "text that may hold any of the above",
    "Q:date": "(C) dates of the patient: birth, service, death",
    "Q:age": "(C) ages in years",
    "Q:geo": "(B) ZIP codes",
    "Q:demographic": "gender, language and the like",
    "SENSITIVE": "health information in itself: diagnoses, allergies",
    "CREDENTIAL": "numbers that open doors, such as a DEA registration",
    "WORKFORCE": "who of the staff did it",
    "REGULATED": "numbers of regulated documents, such as DEA form 222",
    "OPERATIONAL": "confidential, and of no patient: the prescriber",
    "NONE": "needs no care",
}


@dataclass(frozen=True)
class Classification:
    """What a field holds.

    Attributes:
        cls: One of ``CLASSES``, such as ``D:mrn`` or ``NONE``.
        mask: The mask the schema's author suggests, such as ``hmac``; the masking policy decides.
        tags: Confluent's tags.
    """

    cls: str
    mask: str | None = None
    tags: tuple[str, ...] = ()


def classification(schema: AvroSchema) -> dict[str, Classification]:
    """Maps each classified field to its class.

    A nested record's fields are named ``parent.child``; those that say nothing inherit from the
    nearest field above that does.
    """
    return {path: found for path, found in _leaves(schema) if found is not None}


def unclassified(schema: AvroSchema) -> tuple[str, ...]:
    """Names the fields that carry no class, in the schema's order."""
    return tuple(path for path, found in _leaves(schema) if found is None)


_Leaf = tuple[str, Classification | None]
_Attributes = Mapping[str, Mapping[str, Any]]  # "record full name/field" -> the field's JSON


def _leaves(schema: AvroSchema) -> Iterator[_Leaf]:
    attributes = dict(_attributes(schema.json, ""))
    for record in _records(schema.root):
        yield from _walk(record, "", None, attributes, (record,))


def _walk(
    record: Record,
    path: str,
    above: Classification | None,
    attributes: _Attributes,
    within: tuple[Record, ...],
) -> Iterator[_Leaf]:
    for field in record.fields:
        where = f"{path}.{field.name}" if path else field.name
        found = _own(attributes[f"{record.name}/{field.name}"]) or above
        inner = [r for r in _records(field.node) if r not in within]
        if not inner:
            yield where, found
        for nested in inner:
            yield from _walk(nested, where, found, attributes, (*within, nested))


def _records(node: Node) -> Iterator[Record]:
    """The records that a type holds, through arrays, maps and unions."""
    if isinstance(node, Record):
        yield node
        return
    for child in children(node):
        yield from _records(child)


def _attributes(schema: Any, namespace: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Finds the JSON of every field: parsed nodes keep only what decoding needs."""
    if isinstance(schema, Mapping):
        if "name" in schema and "." not in (name := schema["name"]):
            namespace = schema.get("namespace", namespace)
            name = f"{namespace}.{name}" if namespace else name
        elif "name" in schema:
            namespace = name.rpartition(".")[0]
        for field in schema.get("fields", ()):
            yield f"{name}/{field['name']}", field
            yield from _attributes(field["type"], namespace)
        for key in ("type", "items", "values"):
            yield from _attributes(schema.get(key), namespace)
    elif isinstance(schema, Sequence) and not isinstance(schema, str):
        for branch in schema:
            yield from _attributes(branch, namespace)


def _own(field: Mapping[str, Any]) -> Classification | None:
    phi = field.get("phi")
    if not isinstance(phi, Mapping) or not phi.get("class"):
        return None
    return Classification(
        str(phi["class"]), phi.get("mask"), tuple(field.get("confluent:tags", ()))
    )
