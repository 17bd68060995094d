"""Who runs what where ``-n 2`` lets two processes run the tests beside each other.

Each process has servers of its own, so suites that share servers stay in one process. The two
halves take about as long, and whoever is done first goes on with unit tests, a file at a time.
"""

import pytest

from tests.suite_times import suite_of

_HALVES = {
    **dict.fromkeys(
        ("integration", "faults", "chaos", "chain", "operations", "portability"), "drains"
    ),
    **dict.fromkeys(("warehouse", "flink"), "warehouse and streams"),
}


@pytest.hookimpl(tryfirst=True)  # before xdist looks at the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        # Taken up by xdist's --dist=loadgroup alone.
        item.add_marker(pytest.mark.xdist_group(group_of(item)))


def group_of(item: pytest.Item) -> str:
    """Returns what a test stays together with."""
    return _HALVES.get(suite_of(item), item.nodeid.partition("::")[0])
