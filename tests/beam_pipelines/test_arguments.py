"""Flags in, one clear line out."""

import argparse
import importlib
import pkgutil

import pytest
from apache_beam.options.pipeline_options import PipelineOptions

import beam_pipelines
from beam_pipelines.arguments import (
    Parser,
    add_store_flags,
    check_beam_flags,
    run_command,
    store_settings,
    store_settings_of,
)
from runners.errors import MavenError
from schemas.errors import UnknownSchemaError
from transforms.errors import ConfigurationError, ContentionError, StoreUnavailableError

MODULES = [
    module.name
    for module in pkgutil.walk_packages(beam_pipelines.__path__, "beam_pipelines.")
    if not module.name.endswith("__main__")
]


def test_beam_knows_its_options_after_every_module_is_imported():
    # Options that two modules define under one name would break every pipeline of the process.
    for name in MODULES:
        importlib.import_module(name)
    assert PipelineOptions([]).get_all_options()["runner"] is None


class TestBeamFlags:
    def test_flags_of_beam_pass(self):
        check_beam_flags(["--runner=DirectRunner", "--s3_region_name", "x", "--streaming"])

    @pytest.mark.parametrize("flag", ["--runer=DirectRunner", "--runer"])
    def test_a_mistyped_flag_is_refused_with_the_likeliest_one(self, flag):
        with pytest.raises(ConfigurationError) as caught:
            check_beam_flags([flag])
        assert str(caught.value) == "unknown flag --runer. Did you mean --runner?"

    def test_a_flag_like_no_other_points_to_the_help(self):
        with pytest.raises(ConfigurationError, match=r"unknown flag --zzzz\. See --help"):
            check_beam_flags(["--zzzz"])

    def test_the_value_of_an_unknown_flag_is_not_repeated(self):
        with pytest.raises(ConfigurationError) as caught:
            check_beam_flags(["--pasword=hunter2"])
        assert "hunter2" not in str(caught.value)


class TestParser:
    def test_a_missing_flag_is_an_error_with_a_remedy_not_an_exit(self):
        parser = Parser("cmd", "")
        parser.add_argument("--needed", required=True)
        with pytest.raises(ConfigurationError, match=r"--needed.*See cmd --help"):
            parser.parse_args([])

    def test_flags_are_not_abbreviated(self):
        parser = Parser("cmd", "")
        parser.add_argument("--long_name")
        with pytest.raises(ConfigurationError, match="--long"):
            parser.parse_args(["--long", "x"])


class TestStoreSettings:
    FLAGS = ("--s3_endpoint_url=http://h:1", "--s3_region_name=r", "--s3_access_key_id=a")

    def test_they_come_from_beams_own_flags(self):
        settings = store_settings(self.FLAGS, kms_key_id="k")
        assert (settings.endpoint_url, settings.region) == ("http://h:1", "r")
        assert (settings.access_key_id, settings.kms_key_id) == ("a", "k")
        assert settings.verify is True

    def test_without_flags_the_environment_is_left_to_fill_them(self):
        settings = store_settings([])
        assert settings.endpoint_url is settings.access_key_id is None

    def test_commands_without_a_pipeline_read_the_same_flags(self):
        parser = argparse.ArgumentParser()
        add_store_flags(parser)
        assert store_settings_of(parser.parse_args(list(self.FLAGS))) == store_settings(self.FLAGS)

    def test_the_repr_shows_no_credentials(self):
        assert "hunter2" not in repr(store_settings(["--s3_secret_access_key=hunter2"]))


class TestRunCommand:
    @pytest.mark.parametrize(
        ("error", "code"),
        [
            (ConfigurationError("a", "b"), 2),
            (UnknownSchemaError("7"), 2),
            (MavenError("a", "b"), 2),
            (StoreUnavailableError("a", "b"), 1),
            (ContentionError("a", "b"), 1),
            (KeyboardInterrupt(), 130),
        ],
    )
    def test_an_error_on_purpose_is_one_line_and_an_exit_code(self, capsys, error, code):
        def command():
            raise error

        assert run_command(command) == code
        written = capsys.readouterr()
        assert written.err.count("\n") == 1
        assert written.out == ""

    def test_a_bug_is_not_hidden(self):
        with pytest.raises(ZeroDivisionError):
            run_command(lambda: 1 // 0)

    def test_the_commands_own_code_is_passed_on(self):
        assert run_command(lambda: 4) == 4
