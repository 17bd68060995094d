"""The fixtures of this folder."""

from collections.abc import Iterator

import pytest

from runners.job_servers import FLINK
from runners.local import Flink
from tests.portability.servers import served


@pytest.fixture(scope="session")
def cluster_flags(
    flink_cluster: Flink, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[str]]:
    """The user's flags for the cluster, through one job server for the whole session."""
    folder = tmp_path_factory.mktemp("job-server")
    master = f"--flink_master={flink_cluster.address}"
    address = ["--flink-master", flink_cluster.address]
    class_path = flink_cluster.cluster.class_path()
    with served(FLINK, address, folder, class_path=class_path) as endpoint:
        yield ["--runner=FlinkRunner", master, f"--job_endpoint={endpoint}"]
