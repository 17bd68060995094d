"""What a runner provides for a worker: the pipeline's options, and where its services are."""

import json
from dataclasses import dataclass
from typing import Any

import grpc
from apache_beam.portability.api import (
    beam_provision_api_pb2,
    beam_provision_api_pb2_grpc,
    beam_runner_api_pb2,
    endpoints_pb2,
)
from apache_beam.runners.job.utils import struct_to_dict
from google.protobuf import text_format

from runners.errors import WorkerError

__all__ = ["Provision", "provision"]

# The runner asked for the worker a moment ago, so its services listen already.
_TIMEOUT_S = 30

# Staged with every job: a list of what is installed where the job was submitted, for people.
_FOR_INFORMATION = "submission_environment_dependencies.txt"


@dataclass(frozen=True, kw_only=True)
class Provision:
    """What a runner told of one worker.

    Attributes:
        worker: its id.
        options: the pipeline's, as Beam's workers read them. They may hold credentials.
        logging: address of the runner's log.
        control: address from which the worker is told what to do.
        capabilities: of the runner.
    """

    worker: str
    options: dict[str, Any]
    logging: str
    control: str
    capabilities: tuple[str, ...]

    def environ(self) -> dict[str, str]:
        """Returns the variables that ``sdk_worker_main`` of Beam takes everything from."""
        return {
            "WORKER_ID": self.worker,
            "PIPELINE_OPTIONS": json.dumps(self.options),
            "LOGGING_API_SERVICE_DESCRIPTOR": _descriptor(self.logging),
            "CONTROL_API_SERVICE_DESCRIPTOR": _descriptor(self.control),
            "RUNNER_CAPABILITIES": " ".join(self.capabilities),
        }


def provision(worker: str, endpoint: str, *, logging: str = "", control: str = "") -> Provision:
    """Asks a runner what it provides for a worker.

    Args:
        worker: the worker's id, which the runner gave it.
        endpoint: address of the runner's provision service.
        logging: address of its log, where the service names none.
        control: address of its control, where the service names none.

    Raises:
        WorkerError: the runner doesn't answer, or wants packages installed.
    """
    info = _asked(worker, endpoint)
    for name in map(_staged_name, info.dependencies):
        if name != _FOR_INFORMATION:
            raise WorkerError(
                worker,
                f"the job brings {name}, and workers of this pool install nothing",
                "leave out --setup_file, --extra_package and --requirements_file, and install the "
                "package where the pool runs",
            )
    return Provision(
        worker=worker,
        options=struct_to_dict(info.pipeline_options),
        logging=info.logging_endpoint.url or logging,
        control=info.control_endpoint.url or control,
        capabilities=tuple(info.runner_capabilities),
    )


def _asked(worker: str, endpoint: str) -> beam_provision_api_pb2.ProvisionInfo:
    with grpc.insecure_channel(endpoint) as channel:
        service = beam_provision_api_pb2_grpc.ProvisionServiceStub(channel)
        try:
            answer = service.GetProvisionInfo(
                beam_provision_api_pb2.GetProvisionInfoRequest(),
                timeout=_TIMEOUT_S,
                metadata=[("worker_id", worker)],
            )
        except grpc.RpcError as error:
            raise WorkerError(
                worker,
                f"the runner's provision service at {endpoint} gives no answer ({error.code()})",
                "the pool must be on the host, or in the pod, of the runner's own worker",
            ) from error
    info: beam_provision_api_pb2.ProvisionInfo = answer.info
    return info


def _staged_name(artifact: beam_runner_api_pb2.ArtifactInformation) -> str:
    payload = beam_runner_api_pb2.ArtifactStagingToRolePayload()
    payload.ParseFromString(artifact.role_payload)
    return str(payload.staged_name)


def _descriptor(url: str) -> str:
    text: str = text_format.MessageToString(endpoints_pb2.ApiServiceDescriptor(url=url))
    return text
