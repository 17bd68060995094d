"""What the templates start, held against the programs themselves."""

import os
import re

import pytest

from beam_pipelines.arguments import check_beam_flags
from beam_pipelines.exit_codes import ExitCode
from beam_pipelines.lake import cli as lake
from beam_pipelines.pharmacy import cli as pharmacy
from beam_pipelines.pharmacy.config import load_config
from beam_pipelines.warehouse import cli as warehouse
from beam_pipelines.warehouse import settings as redshift
from runners import pool, presets
from runners.flink import _cli as flink_cli
from tests.runners.deploy.templates import FOLDER, documents, kubernetes_files, label, ours
from tests.runners.deploy.test_aws import ROLES
from transforms.errors import ConfigurationError

#: Variables by which every AWS library finds address, region and credentials.
OF_AWS = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_ENDPOINT_URL_S3"}
OF_REDSHIFT = {f"REDSHIFT_{name.upper()}" for name in redshift._TEXTS} | {redshift._PASSWORD}


class TestCommands:
    @pytest.mark.parametrize("container", ours(), ids=label)
    def test_the_command_is_one_that_the_program_takes(self, container, monkeypatch):
        for name, value in container.variables.items():
            monkeypatch.setenv(name, value)
        PARSERS[container.module](container.argv)

    def test_a_misspelled_flag_would_be_found(self):
        (drain,) = (each for each in ours() if each.place == "drain/drain.yaml drain")
        with pytest.raises(ConfigurationError, match="--runer"):
            take_pharmacy([word.replace("--runner", "--runer") for word in drain.argv])

    @pytest.mark.parametrize("container", ours(), ids=label)
    def test_each_variable_is_one_that_somebody_reads(self, container):
        config = load_config(None)
        keys = {
            reference.removeprefix("env:")
            for reference in (config.dead_letters.key, config.masking.key)
        }
        read = OF_AWS | OF_REDSHIFT | keys | container.references
        shared = {name for each in ours() for name in each.references} | OF_REDSHIFT
        # One ConfigMap is for all; a variable of a container's own must be of use to it.
        assert set(container.variables) <= read | shared

    @pytest.mark.parametrize("container", ours(), ids=label)
    def test_what_decodes_and_seals_has_the_keys(self, container):
        needs = container.module in ("beam_pipelines.pharmacy", "runners.pool")
        assert ({"DEAD_LETTER_KEY", "MASKING_KEY"} <= set(container.variables)) is needs

    def test_workers_listen_where_jobs_look_for_them(self):
        pools = [each for each in ours() if each.module == "runners.pool"]
        ports = {word for each in pools for word in each.argv if word.startswith("--port=")}
        places = {
            word
            for each in ours()
            for word in each.argv
            if word.startswith("--environment_config=")
        }
        assert (ports, places) == ({"--port=50000"}, {"--environment_config=localhost:50000"})


def take_pharmacy(argv: list[str]) -> None:
    arguments, beam_flags = pharmacy._parser().parse_known_args(argv)
    pharmacy._require(pharmacy._parser(), arguments)
    check_beam_flags(beam_flags)
    assert presets.explain(beam_flags, mode=arguments.mode)


def take_warehouse(argv: list[str]) -> None:
    arguments = warehouse._parser().parse_args(argv)
    password = "env:REDSHIFT_PASSWORD" if not arguments.redshift_iam else None
    found = redshift.redshift_settings(arguments, 1.0, dict(os.environ))
    assert found.password == password


PARSERS = {
    "beam_pipelines.pharmacy": take_pharmacy,
    "beam_pipelines.warehouse": take_warehouse,
    "beam_pipelines.lake": lake._parser().parse_args,
    "runners.flink": flink_cli._parser().parse_args,
    "runners.pool": pool._parser().parse_args,
}


class TestSecrets:
    SUSPICIOUS = re.compile(r"KEY|SECRET|PASSWORD|TOKEN")
    KEY_LIKE = re.compile(r"\b(?:[0-9a-fA-F]{32,}|AKIA[0-9A-Z]{16}|[A-Za-z0-9+/]{43}=)\b")

    @pytest.mark.parametrize("container", ours(), ids=label)
    def test_secrets_are_references(self, container):
        held = {n: v for n, v in container.variables.items() if self.SUSPICIOUS.search(n)}
        assert set(held.values()) <= {"a secret"}

    @pytest.mark.parametrize("path", [p for p in FOLDER.rglob("*") if p.is_file()], ids=label)
    def test_no_file_holds_what_looks_like_a_key(self, path):
        assert not self.KEY_LIKE.search(path.read_text())

    def test_no_object_is_a_secret(self):
        kinds = {each["kind"] for path in kubernetes_files() for each in documents(path)}
        assert "Secret" not in kinds


class TestKubernetes:
    def test_a_drain_is_tried_again_only_where_that_can_help(self):
        (drain,) = documents(FOLDER / "kubernetes/drain/drain.yaml")
        rules = drain["spec"]["jobTemplate"]["spec"]["podFailurePolicy"]["rules"]
        final = {value for rule in rules for value in rule.get("onExitCodes", {}).get("values", ())}
        assert final == {ExitCode.REFUSED, ExitCode.CONTENTION, ExitCode.GAPS}

    def test_each_identity_has_the_role_of_its_name(self):
        path = FOLDER / "kubernetes/base/identities.yaml"
        for each in documents(path):
            name = each["metadata"]["name"]
            (arn,) = each["metadata"]["annotations"].values()
            assert name in ROLES
            assert arn.endswith(f":role/pharmabeam-{name}")
