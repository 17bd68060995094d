"""Flags before variables, and the password by reference."""

import argparse

import pytest

from beam_pipelines.warehouse.settings import (
    add_redshift_flags,
    redshift_settings,
    wants_redshift,
)
from transforms.errors import ConfigurationError

ENVIRON = {
    "REDSHIFT_HOST": "here",
    "REDSHIFT_PORT": "5440",
    "REDSHIFT_USER": "me",
    "REDSHIFT_PASSWORD": "word",
    "REDSHIFT_CA": "ca.pem",
}


def parsed(*argv: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_redshift_flags(parser)
    return parser.parse_args(argv)


def test_variables_stand_for_flags():
    found = redshift_settings(parsed(), 9.0, ENVIRON)
    assert (found.host, found.port, found.user, found.ca) == ("here", 5440, "me", "ca.pem")
    assert (found.password, found.patience_s) == ("env:REDSHIFT_PASSWORD", 9.0)
    assert "word" not in repr(found).replace("password", "").replace("PASSWORD", "")


def test_flags_come_before_variables():
    flags = ("--redshift_host=there", "--redshift_password=file:p", "--redshift_schema=mine")
    found = redshift_settings(parsed(*flags), 9.0, ENVIRON)
    assert (found.host, found.password, found.schema) == ("there", "file:p", "mine")


def test_how_long_an_outage_is_waited_out_can_be_said():
    assert redshift_settings(parsed("--redshift_patience_s=2.5"), 9.0, ENVIRON).patience_s == 2.5
    environ = ENVIRON | {"REDSHIFT_PATIENCE_S": "0"}
    assert redshift_settings(parsed(), 9.0, environ).patience_s == 0
    for wrong in ("long", "-1", "inf", "1e3"):
        with pytest.raises(ConfigurationError, match="--redshift_patience_s must be seconds"):
            redshift_settings(parsed(f"--redshift_patience_s={wrong}"), 9.0, ENVIRON)


def test_iam_needs_no_password_though_a_variable_has_one():
    found = redshift_settings(parsed("--redshift_iam", "--redshift_workgroup=w"), 9.0, ENVIRON)
    assert (found.iam, found.password, found.workgroup) == (True, None, "w")


def test_only_a_flag_asks_for_the_warehouse():
    assert not wants_redshift(parsed())
    assert wants_redshift(parsed("--redshift_iam"))
    assert wants_redshift(parsed("--redshift_host=h"))
