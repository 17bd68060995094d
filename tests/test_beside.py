from pathlib import Path

from tests.beside import group_of

TESTS = """
    import pytest

    def test_plain(): pass

    @pytest.mark.integration
    def test_marked(): pass

    @pytest.mark.faults
    def test_of_a_suite_with_the_same_servers(): pass

    @pytest.mark.flink
    def test_of_the_other_half(): pass
"""

INI = "[pytest]\nmarkers =\n    integration: x\n    faults: x\n    flink: x\n"


def test_suites_that_share_servers_stay_together_and_unit_tests_by_file(pytester):
    pytester.makeini(INI)
    items = {item.name: group_of(item) for item in pytester.getitems(TESTS)}
    assert items["test_marked"] == items["test_of_a_suite_with_the_same_servers"]
    assert len(set(items.values())) == 3
    assert items["test_plain"].endswith(".py")


def test_two_processes_deal_the_groups_out_among_them(pytester, monkeypatch):
    """Versions of pytest and of xdist that don't fit lose the groups without a word."""
    pytester.makeini(INI)
    for name in ("test_one", "test_two"):
        pytester.makepyfile(
            **{
                name: """
                    import os, pathlib, pytest

                    @pytest.mark.parametrize("number", range(20))
                    def test_told(number):
                        pathlib.Path(f"{os.getpid()}-{__name__}").touch()
                """
            }
        )
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    flags = ("-p", "tests.suite_times", "-p", "tests.beside", "-n", "2", "--dist", "loadgroup")
    assert pytester.runpytest_subprocess(*flags).ret == 0
    assert len(list(pytester.path.glob("*-test_*"))) == 2
