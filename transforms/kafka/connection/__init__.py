"""What all clients of a Kafka cluster have in common."""

from transforms.kafka.connection.client import (
    LOST,
    PASSING,
    REFUSALS,
    Trouble,
    opened,
    opened_admin,
    opened_consumer,
    show_progress,
    translated,
)

__all__ = [
    "LOST",
    "PASSING",
    "REFUSALS",
    "Trouble",
    "opened",
    "opened_admin",
    "opened_consumer",
    "show_progress",
    "translated",
]
