"""Canaries: unique texts of made-up persons in every PHI field that holds text.

Whatever can be told from chance and from sound values is planted: names, numbers, addresses, free
text. Dates, genders and the first three digits of a ZIP code can't be told, and are left alone. No
text can be a real person's, nor any that the sound stream has: the surname is invented, numbers
come from ranges that are never issued, and that the stream's own pools leave free.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from beam_pipelines.produce.columns import letters
from beam_pipelines.produce.contracts import contracts
from beam_pipelines.produce.faults.malformed import Sound
from beam_pipelines.produce.faults.patching import Value, patched, values_of
from beam_pipelines.produce.identifiers import dea
from beam_pipelines.produce.planting import Canary
from beam_pipelines.produce.pools.prescribers import FREE_DEA_NUMBER
from beam_pipelines.produce.versions import CURRENT_VERSION, current_names

KEY: Final = "(key)"
HEADER: Final = "(header)"
MALFORMED: Final = "(malformed)"

# Four digits in a text tell canaries apart.
_MOST: Final = 9_999
# Classes of fields that tell nothing of a person.
_HARMLESS: Final = ("NONE", "OPERATIONAL")


@dataclass(frozen=True)
class Planted:
    """A message value with canaries in it."""

    value: bytes
    canaries: tuple[Canary, ...]

    def text_of(self, field: str) -> str:
        """The value that the field got, by its current name."""
        (found,) = [canary.value for canary in self.canaries if canary.field == field]
        return found


class Canaries:
    """Makes canaries, each with a number of its own."""

    def __init__(self) -> None:
        self._next = 1

    @property
    def left(self) -> int:
        """How many there may still be."""
        return _MOST - self._next + 1

    def named(self, dataset: str, field: str) -> Canary:
        """A canary by itself, for a message's key or a header."""
        number = self._draw()
        text = _name(number)
        return Canary(number=number, text=text, value=text, dataset=dataset, field=field)

    def message(self, sound: Sound, event_id: str) -> Planted:
        """The message of another person: all PHI texts are canaries.

        Args:
            sound: The message that gives all other values.
            event_id: Id of the new event.
        """
        changes: dict[str, Value] = {"event_id": event_id}
        made: list[Canary] = []
        old = values_of(sound)
        dataset = sound.contract.dataset
        names = current_names(sound.contract, contracts(dataset)[CURRENT_VERSION])
        for field in phi_texts(sound.contract.schema):
            name, many = field["name"], _is_list(field)
            current = names.get(name, name)
            value, texts = self._value(current, old[name])
            changes[name] = [value] if many else value
            made += [
                Canary(number=n, text=t, value=value, dataset=dataset, field=current)
                for n, t in texts
            ]
        if "surviving_patient_id" in changes:
            changes["op"] = "MERGE"  # else the field has no meaning
        return Planted(patched(sound, changes), tuple(made))

    def malformed(self, sound: Sound, event_id: str, rng: np.random.Generator) -> Planted:
        """A message that is no sound Avro, with the canaries of one that was.

        Half of its fields, then garbage; all of them, then garbage; cut off; or JSON.
        """
        whole = self.message(sound, event_id)
        maker = _MALFORMED[int(rng.integers(len(_MALFORMED)))]
        value = maker(whole, sound, rng)
        return Planted(
            value,
            tuple(
                replace(canary, field=MALFORMED)
                for canary in whole.canaries
                if canary.text.encode() in value
            ),
        )

    def _draw(self) -> int:
        self._next += 1
        return self._next - 1

    def _value(self, name: str, old: Value) -> tuple[str, list[tuple[int, str]]]:
        """A field's value, and the canaries in it as number and text."""
        number = self._draw()
        if name == "sig_text":
            called = self._draw()
            person, phone = _name(number), _phone(called)
            text = f"TAKE 1 DAILY. MR {person} TO CALL {phone} IF DIZZY"
            return text, [(number, person), (called, phone)]
        text = _TEXTS.get(name, _code)(number)
        if name in _ZIPS:
            text = f"{str(old or _SOME_ZIP)[:5]}-{number:04d}"
        value = _WITHIN.get(name, "{}").format(text)
        return value, [(number, text)]


def phi_texts(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yields the fields of a schema that hold text, or lists of it, about a person."""
    for field in schema["fields"]:
        kind = field["type"][1] if isinstance(field["type"], list) else field["type"]
        if field["phi"]["class"] not in _HARMLESS and (kind == "string" or _is_list(field)):
            yield field


def _is_list(field: dict[str, Any]) -> bool:
    return isinstance(field["type"], dict) and field["type"]["type"] == "array"


def _name(number: int) -> str:
    return f"Zqvcanary-{number:04d}"


def _code(number: int) -> str:
    return f"ZQV{number:07d}"


def _rx_number(number: int) -> str:
    return f"9970{number:08d}"


def _ssn(number: int) -> str:
    return f"999-{number % 99 + 1:02d}-{number:04d}"


def _phone(number: int) -> str:
    return f"99{number % 10}-555-{number:04d}"


def _email(number: int) -> str:
    return f"zqvcanary.{number:04d}@example.com"


def _dea(number: int) -> str:
    initial = letters(np.zeros(1, np.int64), b"Z")
    return bytes(dea(np.array([FREE_DEA_NUMBER + number]), initial)[0]).decode()


_TEXTS: Final[dict[str, Callable[[int], str]]] = {
    "address_line1": _name,
    "city": _name,
    "county": _name,
    "email": _email,
    "fax": _phone,
    "first_name": _name,
    "last_name": _name,
    "middle_name": _name,
    "name_suffix": _name,
    "phone": _phone,
    "prescriber_dea": _dea,
    "rx_number": _rx_number,
    "ssn": _ssn,
}
_WITHIN: Final = {"address_line1": "4017 {} St"}
_ZIPS: Final = ("patient_zip", "postal_code")
_SOME_ZIP: Final = "11799"


def _half_garbage(whole: Planted, sound: Sound, rng: np.random.Generator) -> bytes:
    patched_sound = Sound(whole.value, sound.contract, None)
    spans = patched_sound.spans
    cut = spans[len(spans) // 2 + int(rng.integers(len(spans) // 4))]
    # No field begins with a number of eleven bytes, so the garbage can't be sound by chance.
    garbage = b"\xff" * 11 + rng.bytes(int(rng.integers(1, 40)))
    return patched_sound.with_bytes(cut.start if cut.union is None else cut.union, 1 << 20, garbage)


def _then_garbage(whole: Planted, sound: Sound, rng: np.random.Generator) -> bytes:
    return whole.value + rng.bytes(int(rng.integers(1, 40)))


def _cut_off(whole: Planted, sound: Sound, rng: np.random.Generator) -> bytes:
    return whole.value[: -int(rng.integers(1, 9))]


def _json(whole: Planted, sound: Sound, rng: np.random.Generator) -> bytes:
    return json.dumps({canary.field: canary.value for canary in whole.canaries}).encode()


_MALFORMED: Final = (_half_garbage, _then_garbage, _cut_off, _json)
