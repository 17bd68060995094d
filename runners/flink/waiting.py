"""Waiting for a stream, and ending it for good on Ctrl-C."""

import threading
import time
from typing import Any, Final

from runners.flink.jobs import Stopped, stop
from runners.flink.rest import Cluster

__all__ = ["attend"]

# A job that was just submitted is unknown to the cluster until its files have been uploaded.
_ARRIVAL_S: Final = 120
_POLL_S: Final = 0.5


def attend(result: Any, cluster: Cluster, name: str, *, savepoint: bool = True) -> Stopped | None:
    """Waits until a stream has ended, or for Ctrl-C, and then stops the stream.

    Args:
        result: what ``pipeline.run()`` returned.
        cluster: where the stream runs.
        name: as in ``--job_name``.
        savepoint: whether Ctrl-C makes a savepoint first. A second Ctrl-C makes none.

    Returns:
        How Ctrl-C ended it; None if it ended by itself.

    Raises:
        FlinkClusterError: the cluster gives no answer, so the job may still run.
        RuntimeError: Beam's, if the stream failed.

    Guarantees:
        Workers of this process work until the savepoint is done.
    """
    waiting = _Waiting(result)
    try:
        waiting.start()
        # In short waits: a signal that another thread gets doesn't wake this one.
        while not waiting.done.wait(_POLL_S):
            continue
    except KeyboardInterrupt:
        try:
            return _stop(waiting, cluster, name, savepoint)
        except KeyboardInterrupt:
            return _stop(waiting, cluster, name, False)
    if waiting.failure:
        raise waiting.failure
    return None


class _Waiting(threading.Thread):
    """Beam's own waiting, which would end the workers of this process if Ctrl-C reached it."""

    def __init__(self, result: Any) -> None:
        super().__init__(name="attend", daemon=True)
        self.failure: Exception | None = None
        # Not ``join``: where Ctrl-C interrupts it, Python 3.11 takes the thread for ended.
        self.done = threading.Event()
        self._result = result

    def run(self) -> None:
        try:
            self._result.wait_until_finish()
        except Exception as error:  # noqa: BLE001 - raised by `attend`
            self.failure = error
        finally:
            self.done.set()


def _stop(waiting: _Waiting, cluster: Cluster, name: str, savepoint: bool) -> Stopped | None:
    deadline = time.monotonic() + _ARRIVAL_S
    while (stopped := stop(cluster, name, savepoint=savepoint)) is None:
        if waiting.done.is_set() or time.monotonic() > deadline:
            return None
        time.sleep(_POLL_S)
    return stopped
