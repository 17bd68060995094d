"""Reading Kafka as segments, ruled by the lake's fences."""

from transforms.kafka.client import Broker
from transforms.kafka.config import ReadFromKafkaConfig, StreamSettings
from transforms.kafka.discovery import (
    PartitionTask,
    check_log_reaches,
    check_topics,
    fences,
    read_topics,
)
from transforms.kafka.read import ReadFromKafka
from transforms.kafka.reader import SegmentLimits
from transforms.kafka.settings import BrokerSettings, TopicFacts
from transforms.kafka.starts import StartAt, parse_start

__all__ = [
    "Broker",
    "BrokerSettings",
    "PartitionTask",
    "ReadFromKafka",
    "ReadFromKafkaConfig",
    "SegmentLimits",
    "StartAt",
    "StreamSettings",
    "TopicFacts",
    "check_log_reaches",
    "check_topics",
    "fences",
    "parse_start",
    "read_topics",
]
