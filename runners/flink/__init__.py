"""Flink: flags for its jobs, a client of its REST interface, and stopping a stream for good."""

from runners.flink.jobs import Stopped, active, latest, stop
from runners.flink.preset import (
    JOB_NAME,
    cluster_of,
    cluster_settings,
    job_name_of,
    placeholders,
    settings,
)
from runners.flink.rest import Checkpoint, Checkpoints, Cluster, Job, Overview

__all__ = [
    "JOB_NAME",
    "Checkpoint",
    "Checkpoints",
    "Cluster",
    "Job",
    "Overview",
    "Stopped",
    "active",
    "cluster_of",
    "cluster_settings",
    "job_name_of",
    "latest",
    "placeholders",
    "settings",
    "stop",
]
