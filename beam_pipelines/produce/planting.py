"""What is planted in a message, for the manifest."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Canary:
    """A unique text of a made-up person, by which a leak is noticed.

    Attributes:
        number: Its number in the stream, from 1; it stands in the text, too.
        text: What no output may hold, in any encoding.
        value: The whole value of the field that holds the text, for hashes are of values.
        dataset: The dataset of the message.
        field: The field that holds it, by its name in the current schema version; `(key)`,
            `(header)` or `(malformed)` elsewhere.
    """

    number: int
    text: str
    value: str
    dataset: str
    field: str


@dataclass(frozen=True, kw_only=True)
class Planting:
    """What is planted in one message.

    Attributes:
        kind: Name of the fault.
        rules: The rules of the packaged rule file that the message trips, on purpose.
        canaries: The canaries in it.
    """

    kind: str
    rules: tuple[str, ...] = ()
    canaries: tuple[Canary, ...] = ()
