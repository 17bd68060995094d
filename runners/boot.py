"""Runs one Python worker as Beam's container contract says, without a container.

Beam's own program for this is in Go, and in its images only. ``python -m runners.pool`` starts
this one, and so does a runner with ``--environment_type=PROCESS``, by its name
``pharmabeam-worker``. The worker gets the pipeline's options; packages it must have already.
"""

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from runners import lifeline, metrics

__all__ = ["main"]

_LOG = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a worker until its runner needs it no more, or whoever started it has ended.

    Args:
        argv: as the contract says: ``--id``, ``--provision_endpoint`` and others.

    Raises:
        WorkerError: the runner gives no answer, or wants packages installed.
    """
    arguments, _ = _parser().parse_known_args(argv)
    lifeline.hold()
    endpoint = metrics.serve_own()
    # Beam reads this one when it is imported, so it is imported below.
    os.environ["WORKER_ID"] = arguments.id
    from runners.provision import provision

    provided = provision(
        arguments.id,
        arguments.provision_endpoint,
        logging=arguments.logging_endpoint,
        control=arguments.control_endpoint,
    )
    # Set here, it is in no environment that another process can look at.
    os.environ.update(provided.environ())
    import grpc
    from apache_beam.runners.worker import sdk_worker_main

    try:
        sdk_worker_main.main([])
    except grpc.RpcError:
        _LOG.info("Worker %s has lost its runner, and ends", arguments.id)
    finally:
        if endpoint is not None:
            endpoint.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("pharmabeam-worker", description=__doc__, allow_abbrev=False)
    parser.add_argument("--id", required=True)
    parser.add_argument("--provision_endpoint", required=True)
    parser.add_argument("--logging_endpoint", default="")
    parser.add_argument("--control_endpoint", default="")
    return parser


if __name__ == "__main__":
    sys.exit(main())
