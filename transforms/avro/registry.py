"""Writer schemas by id, with what an outage and an unknown id mean for the pipeline."""

import time
from collections.abc import Callable
from typing import Final

from schemas.errors import RegistryUnavailableError, UnknownSchemaError
from schemas.model import AvroSchema
from schemas.registries import RegistryRefusedError, SchemaRegistry
from transforms.errors import RefusedError, RetryableError
from transforms.metrics import RETRIES, tell

#: How long after a message's broker time a registry may lag behind its producer: replicas take
#: seconds, so an id that is unknown a minute later is not coming.
GRACE_MS: Final = 60_000
#: Random ids of damaged messages must not fill the memory.
MAX_MISSES: Final = 10_000


class WriterSchemas:
    """Looks writer schemas up; waits for a registry that is down.

    Args:
        registry: With a cache of its own for the ids that it knows.
        patience_s: How long an outage is waited out, in seconds.
        now: Wall clock, seconds since 1970.
        sleep: Pauses between tries.
    """

    def __init__(
        self,
        registry: SchemaRegistry,
        patience_s: float,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._registry = registry
        self._patience_s = patience_s
        self._now = now
        self._sleep = sleep
        self._missed_ms: dict[str, float] = {}

    def find(self, schema_id: str, newest_ms: int) -> AvroSchema | None:
        """Returns the schema of an id, or None when it is definitely unknown.

        Args:
            schema_id: As the message names it.
            newest_ms: Broker time of the newest message with it, milliseconds since 1970. Until a
                minute after that time the registry is asked again, because it may lag; so whether
                an id counts as unknown depends on the broker's time, not on when we came. A time
                that lies ahead of us counts as now: a producer's clock must not stop a partition.

        Raises:
            RetryableError: The registry was down for longer than the patience.
            RefusedError: The registry says no for good: credentials, or no Avro.
        """
        newest_ms = min(newest_ms, int(self._now() * 1000))
        if self._missed_ms.get(schema_id, 0.0) >= newest_ms + GRACE_MS:
            return None
        while True:
            try:
                return self._asked(schema_id)
            except UnknownSchemaError:
                missed_ms = self._now() * 1000
            if missed_ms >= newest_ms + GRACE_MS:
                if len(self._missed_ms) >= MAX_MISSES:
                    self._missed_ms.clear()
                self._missed_ms[schema_id] = missed_ms
                return None
            self._sleep(1.0)

    def _asked(self, schema_id: str) -> AvroSchema:
        deadline, pause = self._now() + self._patience_s, 0.2
        while True:
            try:
                return self._registry.schema_by_id(schema_id)
            except RegistryRefusedError as error:
                raise RefusedError(str(error)) from error
            except RegistryUnavailableError as error:
                if self._now() >= deadline:
                    raise RetryableError(
                        f"{error.registry} did not answer for {self._patience_s:.0f} s "
                        f"({error.reason})",
                        "Start the run again when it does: it goes on from the fences",
                    ) from error
            tell(RETRIES, 1, system="registry")
            self._sleep(pause)
            pause = min(pause * 2, 5.0)
