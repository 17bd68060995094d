"""Flags of the command: what can't work gives 2 and one line."""

import os

import pytest

from beam_pipelines.pharmacy.config import load_config
from beam_pipelines.warehouse import cli
from beam_pipelines.warehouse.plan import load_plan
from schemas.catalog import packaged_datasets

LOGIN = ("--redshift_host=h", "--redshift_user=u", "--redshift_password=env:P")


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    for name in list(os.environ):
        if name.startswith("REDSHIFT_"):
            monkeypatch.delenv(name)


def run(capsys, *argv: str) -> tuple[int, str]:
    code = cli.main(argv)
    captured = capsys.readouterr()
    assert captured.out == ""
    return code, captured.err


@pytest.mark.parametrize(
    ("argv", "what"),
    [
        (("migrate",), "host, user and password are needed"),
        ((), "COMMAND"),
        (("load", *LOGIN), "--lake_root"),
        (("load", *LOGIN, "--lake_root=s3://b/l", "--every=0"), "--every must be"),
        (("migrate", *LOGIN, "--redshift_port=many"), "--redshift_port must be a port's number"),
        (("migrate", *LOGIN, "--redshift_schema=A B"), "schema must be a plain lower-case name"),
        (("migrate", *LOGIN, "--set=nonsense=1"), "nonsense"),
        (("migrate", *LOGIN, "--redshift_iam"), "exclude each other"),
        (("migrate", *LOGIN), "the environment variable P is not set"),
        (("migrate", "--redshift_iam"), "cluster_identifier"),
    ],
)
def test_wrong_flags_give_2_in_one_line(capsys, argv, what):
    code, error = run(capsys, *argv)
    assert (code, error.count("\n")) == (2, 1)
    assert what in error


def test_a_password_in_clear_is_refused_and_not_repeated(capsys):
    argv = ("migrate", "--redshift_host=h", "--redshift_user=u", "--redshift_password=hunter2")
    code, error = run(capsys, *argv)
    assert code == 2
    assert "hunter2" not in error


def test_the_packaged_job_has_a_table_a_dataset():
    plan = load_plan(load_config(None))
    assert {table.table for table in plan.tables} == {
        f"raw_{dataset.name}" for dataset in packaged_datasets()
    }
    assert all(dataset.topic in plan.topics for dataset in packaged_datasets())
    assert "another" not in plan.topics
    columns = {table.dataset: {c.name: c.type.sql for c in table.columns} for table in plan.tables}
    assert columns["dispense_event"]["total_paid"] == "DECIMAL(12,2)"
    assert columns["dispense_event"]["reject_codes"] == "SUPER"
