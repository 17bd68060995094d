"""The flags of the main job: what can't work gives 2 and one line, before anything is asked."""

import os

import pytest

from beam_pipelines.pharmacy.cli import _job, _parser, main
from beam_pipelines.warehouse.settings import LOAD_PATIENCE_S

RUN = (
    "--mode=drain",
    "--kafka_bootstrap_servers=127.0.0.1:1",
    "--lake_root=s3://bucket/lake",
    "--progress=off",
)
LOGIN = ("--redshift_host=h", "--redshift_user=u", "--redshift_password=env:P")


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    for name in list(os.environ):
        if name.startswith("REDSHIFT_"):
            monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("flags", "what"),
    [
        (("--redshift_host=h",), "host, user and password are needed"),
        ((*LOGIN, "--redshift_iam"), "exclude each other"),
        ((*LOGIN, "--redshift_port=many"), "--redshift_port must be a port's number"),
        ((*LOGIN, "--redshift_patience_s=long"), "--redshift_patience_s must be seconds"),
        (("--redshift_hots=h",), "unknown flag --redshift_hots"),
    ],
)
def test_wrong_flags_of_the_warehouse_give_2_in_one_line(capsys, flags, what):
    assert main([*RUN, *flags]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert what in error


def job(*flags: str):
    arguments, rest = _parser().parse_known_args([*RUN, *flags])
    return _job(arguments, rest)


def test_without_a_flag_of_the_warehouse_the_run_ends_at_the_lake(monkeypatch):
    monkeypatch.setenv("REDSHIFT_HOST", "here")
    assert job().load is None


def test_one_flag_asks_for_the_warehouse_and_the_environment_says_the_rest(monkeypatch):
    for name in ("USER", "PASSWORD"):
        monkeypatch.setenv(f"REDSHIFT_{name}", "x")
    found = job("--redshift_host=there")
    assert found.load is not None
    assert (found.load.redshift.host, found.load.redshift.user) == ("there", "x")
    assert found.load.redshift.patience_s == LOAD_PATIENCE_S
    assert found.load.run_id == found.run_id
    assert found.load.store == found.store
