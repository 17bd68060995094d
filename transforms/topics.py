"""Which topics are meant: one by its name, or all whose whole name matches a pattern."""

import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from transforms.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True)
class TopicName(Container[str]):
    """One topic by its name, or all that match a pattern, those that are made later included.

    A topic is in it if it is meant.

    Attributes:
        topic: The name of one topic; empty where there is a pattern.
        pattern: Regular expression that the whole name must match. Kafka's own topics never do.

    Raises:
        ConfigurationError: There is neither or both, or the pattern is no regular expression.
    """

    topic: str = ""
    pattern: str = ""

    def __post_init__(self) -> None:
        if bool(self.topic) == bool(self.pattern):
            raise ConfigurationError(
                f"a topic needs a name or a pattern, got {self.topic!r} and {self.pattern!r}",
                "Give one of them",
            )
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise ConfigurationError(
                f"the pattern {self.pattern!r} is no regular expression: {error}",
                r"Write one such as pharmacy\.dispense(\..+)?",
            ) from error

    def __contains__(self, topic: object) -> bool:
        if not self.pattern:
            return topic == self.topic
        name = str(topic)
        return not name.startswith("__") and re.fullmatch(self.pattern, name) is not None

    def __str__(self) -> str:
        return f"the pattern {self.pattern}" if self.pattern else f"the topic {self.topic}"


@dataclass(frozen=True)
class AnyOf(Container[str]):
    """All topics that are in one of several."""

    parts: tuple[Container[str], ...] = ()

    def __contains__(self, topic: object) -> bool:
        return any(topic in part for part in self.parts)


def place_of(topic: str, names: Sequence[TopicName]) -> int | None:
    """Returns which of some entries a topic belongs to, counted from 0; None if to none.

    Raises:
        ConfigurationError: It belongs to two: which dataset its rows are of would be a guess.
    """
    places = [place for place, name in enumerate(names) if topic in name]
    if len(places) > 1:
        first, second = (names[place] for place in places[:2])
        raise ConfigurationError(
            f"the topic {topic} belongs to two entries: {first} and {second}",
            "Narrow a pattern, so that one of them covers it",
        )
    return places[0] if places else None


def found(names: Sequence[TopicName], there: Iterable[str]) -> list[str]:
    """Returns the topics that are meant, in the order of the entries.

    Args:
        names: The entries.
        there: The topics of the cluster. One that is named is meant even if it isn't there.
    """
    known = sorted(there)
    listed = (
        [name.topic] if name.topic else [topic for topic in known if topic in name]
        for name in names
    )
    return list(dict.fromkeys(topic for each in listed for topic in each))
