"""What a run tells its scheduler."""

import pytest

from beam_pipelines.exit_codes import ExitCode
from beam_pipelines.pharmacy.draining import Drained, verdict
from transforms.lake import PartitionOutcome


def outcome(failure="", messages=0):
    return PartitionOutcome(
        topic="t",
        topic_id="id",
        partition=0,
        wanted=9,
        fence=9,
        messages=messages,
        failure=failure,
    )


GOOD = outcome(messages=9)


@pytest.mark.parametrize(
    ("outcomes", "lag", "failure", "code"),
    [
        ([], 0, None, ExitCode.COMPLETE),
        ([GOOD], 0, None, ExitCode.COMPLETE),
        ([GOOD], 1, None, ExitCode.FAILED),
        ([GOOD], 0, ValueError(), ExitCode.FAILED),
        ([GOOD, outcome("failed")], 0, None, ExitCode.FAILED),
        ([outcome("contention")], 5, None, ExitCode.CONTENTION),
        ([GOOD, outcome("contention")], 5, None, ExitCode.CONTENTION),
        ([outcome("contention"), outcome("failed")], 5, None, ExitCode.FAILED),
        ([outcome("refused")], 5, None, ExitCode.REFUSED),
        ([outcome("refused"), outcome("refused")], 5, ValueError(), ExitCode.REFUSED),
        # Something was touched: 2 would say that nothing was.
        ([outcome("refused"), GOOD], 5, None, ExitCode.FAILED),
        ([outcome("refused", messages=1)], 5, None, ExitCode.FAILED),
        ([outcome("refused"), outcome("contention")], 5, None, ExitCode.FAILED),
    ],
)
def test_the_exit_code_of_a_run(outcomes, lag, failure, code):
    assert verdict(Drained(outcomes=outcomes, lag=lag, failure=failure)) is code


@pytest.mark.parametrize(
    ("outcomes", "lag", "code"),
    [
        ([], 0, ExitCode.GAPS),
        ([GOOD], 0, ExitCode.GAPS),
        ([GOOD], 1, ExitCode.FAILED),
        ([GOOD, outcome("failed")], 0, ExitCode.FAILED),
        ([outcome("contention")], 5, ExitCode.CONTENTION),
    ],
)
def test_gaps_are_told_by_runs_that_are_complete(outcomes, lag, code):
    assert verdict(Drained(outcomes=outcomes, lag=lag), [(0, 3)]) is code


@pytest.mark.parametrize("outcomes", [[], [GOOD], [outcome("contention")]])
def test_a_warehouse_that_is_behind_is_a_failure(outcomes):
    assert verdict(Drained(outcomes=outcomes, behind=True), [(0, 3)]) is ExitCode.FAILED


def test_the_codes_are_those_that_scripts_rely_on():
    assert {code.name: code.value for code in ExitCode} == {
        "COMPLETE": 0,
        "FAILED": 1,
        "REFUSED": 2,
        "CONTENTION": 3,
        "GAPS": 4,
    }
