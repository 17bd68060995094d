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


def test_suites_that_share_servers_stay_together_and_unit_tests_by_file(pytester):
    pytester.makeini("[pytest]\nmarkers =\n    integration: x\n    faults: x\n    flink: x\n")
    items = {item.name: group_of(item) for item in pytester.getitems(TESTS)}
    assert items["test_marked"] == items["test_of_a_suite_with_the_same_servers"]
    assert len(set(items.values())) == 3
    assert items["test_plain"].endswith(".py")
