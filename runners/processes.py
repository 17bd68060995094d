"""The FnApiRunner for several workers, as processes that end with their run."""

from apache_beam.portability.api import beam_provision_api_pb2
from apache_beam.runners.job import utils as job_utils
from apache_beam.runners.portability.fn_api_runner import fn_runner

__all__ = ["FnApiRunnerInProcesses"]

#: Imported by each worker before all else.
_LIFELINE = "runners.lifeline"


class FnApiRunnerInProcesses(fn_runner.FnApiRunner):  # type: ignore[misc]
    """Beam's own runner, whose workers import `runners.lifeline`.

    The FnApiRunner gives its workers no pipeline options, so a user's ``--beam_plugin`` has no
    effect on them. This one gives them that option and a level of logging (Beam's own is INFO),
    and no other: they are in the environment of a process, which is no place for credentials.
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
