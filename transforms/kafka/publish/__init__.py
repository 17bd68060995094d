"""Publishing messages whose repetition is harmless."""

from transforms.kafka.publish.sink import PublishConfig, PublishToKafka

__all__ = ["PublishConfig", "PublishToKafka"]
