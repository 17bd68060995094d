"""Processes that a test moves on one store call at a time, in any order.

Each runs in a thread of its own, but only while the test steps it, so a schedule is a list of
steps and repeats exactly. A process that is not stepped is frozen; one that crashes is gone.
"""

import threading
from collections.abc import Callable
from typing import Any

from tests.fakes.object_store import CrashError, FakeBucket, FakeObjectStore, Fault

#: Faults that only a PUT can have; any other call has plainly no answer.
_OF_PUTS = (Fault.LOST_REPLY, Fault.LATE_EFFECT)
#: Faults that only a conditional PUT can have; any other call goes well.
_OF_CREATES = (Fault.CONFLICT, Fault.EXISTS, Fault.EXISTS_AFTER_EFFECT)


class SteppedStore(FakeObjectStore):
    """A store each of whose calls waits to be stepped."""

    def __init__(self, bucket: FakeBucket, patience_s: float) -> None:
        super().__init__(bucket, "s3://bucket/lake", patience_s)
        self.actor: Actor | None = None

    def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        assert self.actor is not None
        create = operation == "put_object" and "IfNoneMatch" in arguments
        fault = self.actor.arrive(create)
        if fault in _OF_CREATES and not create:
            fault = None
        if fault in _OF_PUTS and operation != "put_object":
            fault = Fault.LOST_REQUEST
        if fault is not None:
            self.fail(fault, operation)
        return super()._call(operation, **arguments)


class Actor:
    """One process.

    Args:
        store: Its own.
        job: What it does; runs up to its first store call at once.

    Attributes:
        done: Whether it has come to its end, in whatever way.
        commits_next: Whether the call that it waits for is a create-only PUT.
        error: What ended it, if it was not its job's end.
    """

    def __init__(self, store: SteppedStore, job: Callable[[], None]) -> None:
        store.actor = self
        self.done = False
        self.commits_next = False
        self.error: BaseException | None = None
        self._fault: Fault | None = None
        self._go = threading.Semaphore(0)
        self._stopped = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, args=(job,), daemon=True)
        self._thread.start()
        self._stopped.acquire()

    def arrive(self, create: bool) -> Fault | None:
        """Called by the store: waits for the step, returns the fault that it brings."""
        self.commits_next = create
        self._stopped.release()
        self._go.acquire()
        return self._fault

    def step(self, fault: Fault | None = None) -> None:
        """Lets the process make the call that it waits for, and run up to the next one."""
        assert not self.done
        self._fault = fault
        self._go.release()
        self._stopped.acquire()

    def kill(self) -> None:
        """Ends the process before its next call."""
        while not self.done:
            self.step(Fault.CRASH_BEFORE)
        self._thread.join()

    def _run(self, job: Callable[[], None]) -> None:
        try:
            job()
        except CrashError as error:
            self.error = error
        except Exception as error:  # noqa: BLE001 - the test judges it
            self.error = error
        self.done = True
        self._stopped.release()
