"""Prints the seconds that each suite took, and with ``--enforce-budgets`` fails one over budget.

Budgets come from the environment variable SUITE_BUDGETS, else from the ini option of that name:
``unit=180 integration+faults=360``. A test belongs to the suite of its marker, else to ``unit``.

Budgets are of suites that have the machine to themselves. Where two processes run the tests beside
each other (``-n 2``), times are printed and nothing is judged by them.
"""

import os
from collections import defaultdict
from collections.abc import Generator

import pytest

_MARKED = (
    "portability",
    "flink",
    "registry",
    "real_redshift",
    "warehouse",
    "chain",
    "operations",
    "chaos",
    "faults",
    "integration",
)

_DEFAULT = (
    "unit=180 integration+faults=360 chaos=200 chain=120 operations=60 warehouse=240 "
    "portability=120 flink=240"
)

_TIMES = pytest.StashKey["_Times"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("suite_budgets", "seconds by suite, as in unit=180", default=_DEFAULT)
    parser.addoption(
        "--enforce-budgets",
        action="store_true",
        help="fail the session if a suite takes longer than its budget",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_TIMES] = _Times()
    config.pluginmanager.register(config.stash[_TIMES])
    _budgets(config)  # a malformed one shows before the tests run


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    # Goes with the report to the process that prints.
    vars(report)["suite"] = suite_of(item)
    return report


class _Times:
    """Adds up what the reports say."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # Set-up and tear-down count: starting servers is the larger part of some suites.
        self.seconds[report.suite] += report.duration


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    enforced = session.config.getoption("--enforce-budgets")
    if enforced and session.exitstatus == pytest.ExitCode.OK and _overruns(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    times = config.stash[_TIMES].seconds
    if times:
        text = ", ".join(f"{suite} {seconds:.1f} s" for suite, seconds in sorted(times.items()))
        beside = " (two at a time)" if _is_shared(config) else ""
        terminalreporter.write_line(f"Suites{beside}: {text}")
    for line in _overruns(config):
        terminalreporter.write_line(line, red=True)


def suite_of(item: pytest.Item) -> str:
    """Returns the name of the suite that a test belongs to."""
    marks = {mark.name for mark in item.iter_markers()}
    return next((name for name in _MARKED if name in marks), "unit")


def _overruns(config: pytest.Config) -> list[str]:
    """Returns one sentence for each budget that is exceeded."""
    if _is_shared(config):
        return []
    times = config.stash[_TIMES].seconds
    spent = {name: sum(times[suite] for suite in name.split("+")) for name in _budgets(config)}
    return [
        f"Over budget: {name} took {spent[name]:.1f} s of {budget:.0f} s"
        for name, budget in _budgets(config).items()
        if spent[name] > budget
    ]


def _is_shared(config: pytest.Config) -> bool:
    return bool(config.getoption("numprocesses", None))


def _budgets(config: pytest.Config) -> dict[str, float]:
    text = os.environ.get("SUITE_BUDGETS") or config.getini("suite_budgets")
    try:
        pairs = (part.split("=", 1) for part in text.split())
        return {name: float(seconds) for name, seconds in pairs}
    except ValueError:
        raise pytest.UsageError(f"suite_budgets must look like {_DEFAULT!r}") from None
