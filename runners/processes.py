"""The FnApiRunner for several workers, as processes that end with their run."""

import threading
import time
from typing import Any, Final

from apache_beam.portability import python_urns
from apache_beam.portability.api import beam_provision_api_pb2
from apache_beam.runners.job import utils as job_utils
from apache_beam.runners.portability.fn_api_runner import fn_runner, worker_handlers

from runners.errors import WorkerError

__all__ = ["FnApiRunnerInProcesses"]

#: Imported by each worker before all else.
_LIFELINE: Final = "runners.lifeline"
#: How often a run is told that a worker has died, until it has ended.
_TELL_S: Final = 1.0


class FnApiRunnerInProcesses(fn_runner.FnApiRunner):  # type: ignore[misc]
    """Beam's own runner, whose workers import `runners.lifeline`.

    The FnApiRunner gives its workers no pipeline options, so a user's ``--beam_plugin`` has no
    effect on them. This one gives them that option and a level of logging (Beam's own is INFO),
    and no other: they are in the environment of a process, which is no place for credentials.

    A worker that dies fails the run, at any time: Beam's own waits for ever for one that hasn't
    reported yet.
    """

    def __init__(self) -> None:
        options = {
            "beam:option:beam_plugins:v1": [_LIFELINE],
            "beam:option:default_sdk_harness_log_level:v1": "WARNING",
        }
        info = beam_provision_api_pb2.ProvisionInfo(
            retrieval_token="unused-retrieval-token",
            pipeline_options=job_utils.dict_to_struct(options),
        )
        super().__init__(provision_info=fn_runner.ExtendedProvisionInfo(info))


# In the place of Beam's own, which it derives from.
@worker_handlers.WorkerHandler.register_environment(python_urns.SUBPROCESS_SDK, bytes)
class _WatchedWorker(worker_handlers.SubprocessSdkWorkerHandler):  # type: ignore[misc]
    """A worker process, and the run's view of it."""

    def start_worker(self) -> None:
        """Starts it, and watches it."""
        super().start_worker()
        threading.Thread(target=self._tell, name="worker_watch", daemon=True).start()

    def stop_worker(self) -> None:
        """Waits for its end; one that hasn't reported yet is told so when it does."""
        self.control_conn.push(worker_handlers.BeamFnControlServicer._DONE_MARKER)
        super().stop_worker()

    def _tell(self) -> None:
        """Once the process has ended, ends what the run waits for, as long as it waits."""
        self.worker_thread.join()
        connection: Any = self.control_conn
        while connection._state != worker_handlers.BeamFnControlServicer.DONE_STATE:
            for future in list(connection._futures_by_id.values()):
                future.abort(WorkerError(self.worker_id, "its process has died", "run again"))
            # Not by its own `close`, which would wait until all was sent.
            self.data_conn._closed = True
            time.sleep(_TELL_S)
