"""Reading Kafka for ever: what only a stream needs."""

from transforms.kafka.stream.discovery import WatchPartitions
from transforms.kafka.stream.read import StreamSegmentsFn

__all__ = ["StreamSegmentsFn", "WatchPartitions"]
