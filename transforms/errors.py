"""The errors of the pipeline, in three kinds that are handled differently.

    PipelineError
    ├── RefusedError              never retried; nothing was touched; exit code 2
    │   ├── ConfigurationError    a setting is missing, unknown or contradicts another
    │   ├── LakeMismatchError     the lake was made with another policy, format or partitioning
    │   ├── TopicMissingError     the broker doesn't know the topic
    │   ├── TopicReplacedError    the topic was deleted and made again under the same name
    │   └── LogTooShortError      the broker's log ends before the lake's fence
    ├── RetryableError            may succeed when tried again; nothing took effect
    │   ├── BrokerUnavailableError
    │   ├── StoreUnavailableError
    │   ├── WarehouseUnavailableError
    │   └── WarehouseConflictError  another transaction came in between (1023)
    ├── OutcomeUnknownError       the request may have taken effect, or may yet do so
    ├── ObjectExistsError         a create-only PUT met an object: reload, never success by itself
    ├── ObjectConflictError       409: send the same bytes to the same key again
    ├── ObjectMissingError        no object under that key
    ├── ContentionError           another writer keeps winning; exit code 3
    ├── WarehouseError            the warehouse refused a statement
    │   └── CopyDataError         COPY met data that a table can't take
    ├── ChainError                the chain of commits doesn't hold together
    ├── SegmentError              a segment breaks an invariant: a bug of ours
    └── SecretError               a reference to a secret can't be resolved

Every class passes its arguments to ``super().__init__`` and formats in ``__str__``: an exception
that formats in ``__init__`` can't be unpickled, and workers send theirs pickled. No message holds a
message's content or a field's value.
"""


class PipelineError(Exception):
    """Base of all errors that the transforms raise on purpose.

    Args:
        what: What happened, naming the place and the rule.
        remedy: What the operator can do.
    """

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what, remedy)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what}. {self.remedy}" if self.remedy else self.what


class RefusedError(PipelineError):
    """The run is refused before anything was touched; never retried."""


class ConfigurationError(RefusedError):
    """A setting is missing, unknown, or contradicts another."""


class LakeMismatchError(RefusedError):
    """The lake under this prefix was made with other settings."""


class TopicMissingError(RefusedError):
    """The broker doesn't know a topic that the configuration names."""


class TopicReplacedError(RefusedError):
    """A topic was deleted and made again under its old name."""


class LogTooShortError(RefusedError):
    """The broker's log ends before the lake's fence."""


class RetryableError(PipelineError):
    """Nothing took effect; trying again may help."""


class BrokerUnavailableError(RetryableError):
    """The Kafka broker doesn't answer."""


class StoreUnavailableError(RetryableError):
    """The object store doesn't answer, or answers that it can't now."""


class WarehouseUnavailableError(RetryableError):
    """The warehouse doesn't answer; of a COMMIT under way, only the fences tell the outcome."""


class WarehouseConflictError(RetryableError):
    """A conflicting transaction was committed first, so this one was rolled back."""


class OutcomeUnknownError(PipelineError):
    """The request may have taken effect, or may still do so."""


class ObjectExistsError(PipelineError):
    """A create-only PUT found an object (412): somebody's, perhaps one's own."""


class ObjectConflictError(PipelineError):
    """A conditional PUT met another under way (409): same bytes, same key, again."""


class ObjectMissingError(PipelineError):
    """There is no object under the key."""


class ContentionError(PipelineError):
    """Another writer keeps committing to the same partition."""


class WarehouseError(PipelineError):
    """The warehouse refused a statement; the transaction is aborted."""


class CopyDataError(WarehouseError):
    """COPY met a file or a value that its table can't take."""


class ChainError(PipelineError):
    """The commit chain has a hole, an overlap or a wrong hash."""


class SegmentError(PipelineError):
    """A segment breaks one of its invariants."""


class SecretError(RefusedError):
    """A reference to a secret can't be resolved."""
