"""The canaries that a manifest of the load generator lists."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import orjson

from transforms.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True)
class Canary:
    """A planted text and the message that holds it.

    Attributes:
        number: Its number, by which reports name it: they never show the text.
        text: What no output may hold.
        value: The whole value of the field.
        dataset: The message's dataset.
        field: The field; ``(key)``, ``(header)`` or ``(malformed)`` elsewhere.
        topic: Where the message is.
        partition: See ``topic``.
        offset: See ``topic``.
    """

    number: int
    text: str
    value: str
    dataset: str
    field: str
    topic: str
    partition: int
    offset: int

    @property
    def place(self) -> tuple[str, int, int]:
        """Topic, partition and offset of the message."""
        return self.topic, self.partition, self.offset

    def __repr__(self) -> str:
        return f"canary {self.number}"  # The text must not reach a log of our own making.


def read_canaries(path: Path) -> tuple[Canary, ...]:
    """Reads the canaries of a manifest, in order of their numbers.

    Raises:
        ConfigurationError: The file can't be read, is no manifest, or lists no canaries.
    """
    try:
        listed = orjson.loads(path.read_bytes())["canaries"]
        found = [_canary(each) for each in listed]
    except OSError as error:
        raise ConfigurationError(
            f"the manifest {path} can't be read ({error.strerror})", "Check --manifest"
        ) from error
    except (ValueError, KeyError, TypeError):
        # Nothing of the error is passed on: it may show a canary.
        raise ConfigurationError(
            f"{path} is no manifest with canaries",
            "Write one: python -m beam_pipelines.produce --manifest FILE",
        ) from None
    if not found:
        raise ConfigurationError(
            f"the manifest {path} lists no canaries", "Produce with --faults default"
        )
    return tuple(sorted(found, key=lambda canary: canary.number))


def _canary(listed: Mapping[str, Any]) -> Canary:
    made = Canary(**{field.name: listed[field.name] for field in fields(Canary)})
    if not made.text or not made.text.isascii() or made.text not in made.value:
        raise ValueError
    return made
