"""What metrics tell of reading."""

from transforms.kafka.discovery import PartitionTask
from transforms.lake.names import PartitionId
from transforms.metrics import LAG_OFFSETS, READ_BYTES, READ_MESSAGES, tell
from transforms.metrics.exposing import expose
from transforms.segment import Segment


def tell_read(segment: Segment) -> None:
    """Tells the figures of a segment that is given on."""
    topic, partition, messages = segment.topic, segment.partition, segment.messages
    tell(READ_MESSAGES, messages.num_rows, topic=topic, partition=partition)
    tell(READ_BYTES, messages.nbytes, topic=topic, partition=partition)


def tell_lag(task: PartitionTask, fence: int, end: int) -> None:
    """Tells how far a partition is behind.

    Args:
        task: The partition.
        fence: Up to where the lake has it.
        end: The end of the log.
    """
    tell(LAG_OFFSETS, max(0, end - fence), topic=task.topic, partition=task.partition)


def tell_left(owner: PartitionId) -> None:
    """Takes back what this process said of a partition's lag: another one may read it from now on.

    Only Prometheus shows it for as long as the process lives; Beam forgets it with the step.
    """
    expose(LAG_OFFSETS, (owner.topic, str(owner.partition)), 0)
