"""What a cluster's REST interface tells of our metrics."""

import json
import urllib.request
from typing import Any
from urllib.parse import quote

from runners import flink
from transforms.metrics import NAMESPACE

#: What stands before a metric's name; within it Flink shows no dots.
_MARK = f".{NAMESPACE}_"


def told(cluster: flink.Cluster, job: str) -> dict[str, float]:
    """The figures of a running job by their flat names, those of its tasks added up.

    Args:
        cluster: Where it runs.
        job: Its name.
    """
    running = flink.active(cluster, job)
    assert running is not None, f"no job {job} runs"
    place = f"{cluster.url}/jobs/{running.id}"
    found: dict[str, float] = {}
    for vertex in _asked(place)["vertices"]:
        metrics = f"{place}/vertices/{vertex['id']}/metrics"
        ours = [each["id"] for each in _asked(metrics) if _MARK in each["id"]]
        for each in _asked(f"{metrics}?get={quote(','.join(ours))}") if ours else ():
            name = each["id"].rpartition(_MARK)[2]
            # A distribution is an object, which Flink shows as a text.
            if each["value"].lstrip("-").isdecimal():
                found[name] = found.get(name, 0) + int(each["value"])
    return found


def _asked(address: str) -> Any:
    with urllib.request.urlopen(address, timeout=30) as reply:
        return json.load(reply)
