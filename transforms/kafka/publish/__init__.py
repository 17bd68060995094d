"""Publishing messages whose repetition is harmless."""

from transforms.kafka.publish.client import PublishingBroker
from transforms.kafka.publish.sink import PublishConfig, PublishToKafka
from transforms.kafka.publish.topic import TopicNeeds, ensure_topic

__all__ = ["PublishConfig", "PublishToKafka", "PublishingBroker", "TopicNeeds", "ensure_topic"]
