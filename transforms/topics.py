"""Which topics are meant: one by its name, or all whose whole name matches a pattern."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from transforms.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True)
class TopicName:
    """One topic by its name, or all that match a pattern, those that are made later included.

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

    def covers(self, topic: str) -> bool:
        """Tells whether a topic of this name is meant."""
        if self.pattern:
            return not topic.startswith("__") and bool(re.fullmatch(self.pattern, topic))
        return topic == self.topic

    def __str__(self) -> str:
        return f"the pattern {self.pattern}" if self.pattern else f"the topic {self.topic}"


def place_of(topic: str, names: Sequence[TopicName]) -> int | None:
    """Returns which of some entries a topic belongs to, counted from 0; None if to none.

    Raises:
        ConfigurationError: It belongs to two: which dataset its rows are of would be a guess.
    """
    places = [place for place, name in enumerate(names) if name.covers(topic)]
    if len(places) > 1:
        first, second = (names[place] for place in places[:2])
        raise ConfigurationError(
            f"the topic {topic} belongs to two entries: {first} and {second}",
            "Narrow a pattern, so that one of them covers it",
        )
    return places[0] if places else None
