"""The opt-in suite for a real Redshift, tried on the stand-in and without any."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping

import pytest

from tests.real_redshift import conftest
from tests.real_redshift.cluster import cluster, missing
from tests.warehouse import login_environ
from transforms.errors import ConfigurationError

pytestmark = pytest.mark.warehouse

NOWHERE = {"REDSHIFT_TEST_LAKE": "s3://b/l", "REDSHIFT_TEST_HOST": "h"}


def suite(environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Runs what ``make test-redshift`` runs, its files two at a time: they have half a minute."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("REDSHIFT_", "AWS_"))}
    what = ("-m", "real_redshift", "tests/real_redshift", "-p", "no:cacheprovider")
    what += ("-n", "2", "--dist", "loadfile")
    return subprocess.run(
        [sys.executable, "-m", "pytest", *what],
        env={**kept, **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_passes_on_the_stand_in_and_leaves_nothing(warehouse, s3, lake_root):
    there = login_environ(warehouse.redshift)
    names = ("HOST", "PORT", "DATABASE", "USER", "PASSWORD", "CA")
    environ = {f"REDSHIFT_TEST_{name}": there[f"REDSHIFT_{name}"] for name in names}
    ended = suite({**s3.environ(), **environ, "REDSHIFT_TEST_LAKE": lake_root})
    assert ended.returncode == 0, ended.stdout
    # All of them: none skipped, none deselected.
    passed = re.search(r" (\d+) passed(, \d+ warnings)? in ", ended.stdout)
    assert passed, ended.stdout
    assert int(passed[1]) > 20
    like = "like 'pharmabeam_test_%'"
    assert warehouse.all(f"select nspname from pg_namespace where nspname {like}") == []
    assert warehouse.all(f"select role_name from svv_roles where role_name {like}") == []
    listed = s3.client().list_objects_v2(Bucket=s3.bucket, Prefix=lake_root.split("/", 3)[3])
    assert listed["KeyCount"] == 0


class Item:
    """A test, of the suite or of another one."""

    def __init__(self, marker: str) -> None:
        self.marker = marker
        self.added = []

    def get_closest_marker(self, name: str) -> bool:
        return name == self.marker

    def add_marker(self, mark: pytest.MarkDecorator) -> None:
        self.added.append(mark)


class TestWithoutACluster:
    @pytest.fixture(autouse=True)
    def no_environment(self, monkeypatch):
        for name in [name for name in os.environ if name.startswith("REDSHIFT_TEST_")]:
            monkeypatch.delenv(name)

    def test_who_asks_for_the_suite_is_told_what_to_set(self):
        with pytest.raises(pytest.UsageError) as caught:  # Which pytest ends with, code 4.
            conftest.pytest_collection_modifyitems([Item("real_redshift")])
        told = str(caught.value).splitlines()[1:]
        assert [line.split()[0] for line in told] == [
            f"REDSHIFT_TEST_{name}" for name in ("LAKE", "HOST", "USER", "PASSWORD")
        ]
        assert all(len(line) > 60 for line in told)

    def test_among_other_tests_it_is_skipped_with_the_reason(self):
        mine, other = Item("real_redshift"), Item("unit")
        conftest.pytest_collection_modifyitems([mine, other])
        (mark,) = mine.added
        assert "REDSHIFT_TEST_HOST is not set" in mark.kwargs["reason"]
        assert other.added == []

    def test_tests_of_others_are_let_be(self):
        other = Item("unit")
        conftest.pytest_collection_modifyitems([other])
        assert other.added == []


class TestVariables:
    @pytest.mark.parametrize(
        ("given", "lacking"),
        [
            ({}, ["LAKE", "HOST", "USER", "PASSWORD"]),
            (NOWHERE, ["USER", "PASSWORD"]),
            ({**NOWHERE, "REDSHIFT_TEST_USER": "u", "REDSHIFT_TEST_SECRET": "s"}, []),
            ({"REDSHIFT_TEST_LAKE": "s3://b/l", "REDSHIFT_TEST_WORKGROUP": "w"}, []),
            ({"REDSHIFT_TEST_LAKE": "s3://b/l", "REDSHIFT_TEST_CLUSTER_IDENTIFIER": "c"}, ["USER"]),
        ],
    )
    def test_each_that_is_missing_has_a_line(self, given, lacking):
        names = [line.split()[0].removeprefix("REDSHIFT_TEST_") for line in missing(given)]
        assert names == lacking

    def test_a_workgroup_is_logged_in_to_by_iam(self):
        given = {"REDSHIFT_TEST_LAKE": "s3://b/l/", "REDSHIFT_TEST_WORKGROUP": "w"}
        found = cluster(given, "name")
        assert (found.settings.iam, found.settings.workgroup) == (True, "w")
        assert found.settings.schema == "name"
        assert found.lake == "s3://b/l/name"

    def test_a_secret_is_a_reference(self):
        given = {**NOWHERE, "REDSHIFT_TEST_USER": "u", "REDSHIFT_TEST_SECRET": "in the clear"}
        with pytest.raises(ConfigurationError):
            cluster(given, "name")
