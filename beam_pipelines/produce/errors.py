"""What can go wrong while producing, each as one line with its remedy.

ProduceError
├── ArgumentError           a flag is unknown, missing or has a value that can't be
├── BrokerUnavailableError  no broker answers, or it refuses us
├── DeliveryError           the broker didn't take a message or a transaction
├── ManifestError           the manifest can't be written
├── SettingError            librdkafka doesn't know a setting or its value
└── TopicError              a topic is missing or unfit
"""


class ProduceError(Exception):
    """Base of all errors of the load generator."""


class ArgumentError(ProduceError):
    """The command line can't be run.

    Args:
        reason: What is wrong.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.reason} (see --help)"


class BrokerUnavailableError(ProduceError):
    """No broker could be talked to.

    Args:
        servers: The bootstrap servers.
        reason: The client's words.
    """

    def __init__(self, servers: str, reason: str) -> None:
        super().__init__(servers, reason)
        self.servers, self.reason = servers, reason

    def __str__(self) -> str:
        return (
            f"no Kafka broker answers at {self.servers} ({self.reason}): check "
            "--kafka_bootstrap_servers, and that it is up (python -m runners.local status)"
        )


class DeliveryError(ProduceError):
    """A message or a transaction didn't reach the log.

    Args:
        place: Topic and partition, or the transaction's topic.
        reason: The client's words.
    """

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(place, reason)
        self.place, self.reason = place, reason

    def __str__(self) -> str:
        return (
            f"the broker didn't take what was sent to {self.place} ({self.reason}): the topic now "
            "holds a part of the stream; delete the topics and produce again"
        )


class ManifestError(ProduceError):
    """The manifest can't be written.

    Args:
        path: The file.
        reason: The system's words.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"--manifest {self.path} can't be written ({self.reason}): name another file"


class SettingError(ProduceError):
    """librdkafka refused its configuration.

    Args:
        reason: The client's words, which name the setting.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"the Kafka client refused its settings ({self.reason}): correct --kafka_config"


class TopicError(ProduceError):
    """A topic is not as the stream needs it.

    Args:
        topic: The topic.
        problem: What is wrong with it.
        remedy: What to do.
    """

    def __init__(self, topic: str, problem: str, remedy: str) -> None:
        super().__init__(topic, problem, remedy)
        self.topic, self.problem, self.remedy = topic, problem, remedy

    def __str__(self) -> str:
        return f"topic {self.topic} {self.problem}: {self.remedy}"
