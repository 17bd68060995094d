import pytest

TESTS = """
    import pytest

    def test_plain(): pass

    @pytest.mark.integration
    def test_marked(): pass

    @pytest.mark.integration
    @pytest.mark.faults
    def test_with_two_marks(): pass
"""
INI = "[pytest]\nmarkers =\n    integration: x\n    faults: x\n"


@pytest.fixture
def run(pytester, monkeypatch):
    monkeypatch.delenv("SUITE_BUDGETS", raising=False)
    # Other plugins would be imported anew for each run, which takes a second.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(TESTS)
    return lambda ini="", *words: (
        pytester.makeini(INI + ini),
        pytester.runpytest_inprocess("-p", "tests.suite_times", *words),
    )[1]


def test_each_suite_prints_its_seconds(run):
    result = run()
    assert result.ret == 0
    result.stdout.re_match_lines([r"Suites: faults [\d.]+ s, integration [\d.]+ s, unit [\d.]+ s"])


def test_a_suite_over_budget_is_told_but_passes(run):
    result = run("suite_budgets = integration+faults=0 unit=60")
    assert result.ret == 0
    result.stdout.re_match_lines([r"Over budget: integration\+faults took [\d.]+ s of 0 s"])


def test_a_suite_over_budget_fails_where_budgets_are_enforced(run):
    ini = "suite_budgets = integration+faults=0 unit=60"
    assert run(ini, "--enforce-budgets").ret == 1


def test_suites_within_their_budgets_pass_where_budgets_are_enforced(run):
    assert run("", "--enforce-budgets").ret == 0


def test_the_environment_wins_over_the_settings(run, monkeypatch):
    monkeypatch.setenv("SUITE_BUDGETS", "unit=0")
    assert run("suite_budgets = unit=60", "--enforce-budgets").ret == 1


def test_a_malformed_budget_is_a_usage_error(run):
    assert run("suite_budgets = unit").ret == pytest.ExitCode.USAGE_ERROR
