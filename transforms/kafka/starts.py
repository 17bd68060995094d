"""Where a topic that is new to the lake begins: ``--start``."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from transforms.errors import ConfigurationError
from transforms.kafka.client import Broker
from transforms.kafka.settings import TopicFacts

_REMEDY = "Give earliest, latest, a time such as 2026-01-31T00:00:00Z, or a JSON file of offsets"


@dataclass(frozen=True, kw_only=True)
class StartAt:
    """The first offsets of topics that have no chain yet; ignored for all others.

    Attributes:
        how: ``earliest``, ``latest``, ``timestamp`` or ``given``.
        timestamp_ms: Of ``timestamp``: milliseconds since 1970 UTC, compared with the broker's.
        offsets: Of ``given``: topic -> partition -> offset.
    """

    how: str = "earliest"
    timestamp_ms: int = 0
    offsets: Mapping[str, Mapping[int, int]] = field(default_factory=dict)

    def label(self) -> str:
        """Returns the words that the genesis records."""
        if self.how != "timestamp":
            return self.how
        return f"timestamp {datetime.fromtimestamp(self.timestamp_ms / 1000, UTC).isoformat()}"

    def resolve(self, broker: Broker, facts: TopicFacts) -> dict[int, int]:
        """Returns the first offset of each partition of a topic.

        Raises:
            ConfigurationError: The offsets file names no offset for one of them, or one that the
                log doesn't reach.
        """
        if self.how == "latest":
            return broker.stable_end(facts)
        if self.how == "timestamp":
            return broker.at_time(facts, self.timestamp_ms)
        if self.how == "given":
            return self._given(broker, facts)
        return broker.earliest(facts)

    def _given(self, broker: Broker, facts: TopicFacts) -> dict[int, int]:
        given = self.offsets.get(facts.topic, {})
        ends = broker.stable_end(facts)
        for partition in facts.partitions:
            if partition not in given:
                raise ConfigurationError(
                    f"the offsets file has no offset for {facts.topic}[{partition}]", "Add it"
                )
            if not 0 <= given[partition] <= ends[partition]:
                raise ConfigurationError(
                    f"the offsets file starts {facts.topic}[{partition}] at {given[partition]}, "
                    f"its log ends at {ends[partition]}",
                    "Correct it",
                )
        return {p: given[p] for p in facts.partitions}


def parse_start(text: str) -> StartAt:
    """Reads the value of ``--start``.

    Raises:
        ConfigurationError: It is none of the four forms.
    """
    if text in ("earliest", "latest"):
        return StartAt(how=text)
    if Path(text).is_file():
        return StartAt(how="given", offsets=_read_offsets(text))
    return StartAt(how="timestamp", timestamp_ms=_milliseconds(text))


def _milliseconds(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(f"start can't be {text!r}", _REMEDY) from error
    if moment.tzinfo is None:
        raise ConfigurationError(f"start {text!r} has no time zone", "Add Z or an offset")
    return int(moment.timestamp() * 1000)


def _read_offsets(path: str) -> dict[str, dict[int, int]]:
    try:
        value = json.loads(Path(path).read_text(encoding="utf-8"))
        return {
            topic: {int(p): int(offset) for p, offset in partitions.items()}
            for topic, partitions in value.items()
        }
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise ConfigurationError(
            f"the offsets file {path} can't be read ({type(error).__name__})",
            'Write {"topic": {"0": 123, "1": 45}}',
        ) from error
