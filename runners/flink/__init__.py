"""Flink: flags for its jobs, a client of its REST interface, and stopping a stream for good."""

from runners.flink.jobs import Stopped, active, latest, stop
from runners.flink.preset import JOB_NAME, cluster_settings, placeholders, settings
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
    "cluster_settings",
    "latest",
    "placeholders",
    "settings",
    "stop",
]
