"""``python -m beam_pipelines.verify``: proves a lake from its files and lists.

Exit codes: 0 it holds, 1 it is broken, 2 it could not be checked.
"""

import argparse
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from beam_pipelines.arguments import (
    Parser,
    add_kafka_config_flag,
    add_store_flags,
    kafka_config_of,
    run_command,
    store_settings_of,
)
from beam_pipelines.exit_codes import ExitCode
from beam_pipelines.pharmacy.config import load_config
from beam_pipelines.refusals import refusing
from beam_pipelines.terminal import console
from beam_pipelines.verify.client import KafkaView
from beam_pipelines.verify.output import ProgressLine, write_json, write_text
from beam_pipelines.warehouse.plan import load_plan
from beam_pipelines.warehouse.settings import (
    add_redshift_flags,
    redshift_settings,
    wants_redshift,
)
from transforms.errors import ConfigurationError
from transforms.kafka import BrokerSettings
from transforms.lake import ObjectStore, PartitionId
from transforms.lake.verify import OpenLetters, Report, VerifyOptions, verify_lake
from transforms.quality import open_dead_letters
from transforms.quality.sealing import Seal
from transforms.redshift import (
    LoadPlan,
    RedshiftSettings,
    Statements,
    connect,
    verify_warehouse,
)

#: Somebody waits for the answer, so an outage is an answer soon.
PATIENCE_S: Final = 20.0
#: Without it dead letters are not compared with the broker's messages; nothing else needs it.
KEY_VARIABLE: Final = "DEAD_LETTER_KEY"
#: An outage in the middle proves nothing, so it is a refusal.
_UNCHECKED: Final = "the lake could not be checked: "


def main(argv: Sequence[str]) -> int:
    """Verifies a lake and returns the exit code; see ``ExitCode``."""
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(name)s: %(message)s")
    return run_command(lambda: _run(argv))


def _run(argv: Sequence[str]) -> int:
    arguments = _parser().parse_args(list(argv))
    options = _options(arguments)
    warehouse = _warehouse(arguments)
    settings = replace(store_settings_of(arguments), patience_s=PATIENCE_S)
    store = ObjectStore(arguments.lake_root, settings)
    store.check_reachable()
    with ExitStack() as stack:
        view = _view(arguments)
        if view is not None:
            stack.callback(view.close)
        line = ProgressLine(console(stderr=True, quiet=arguments.progress == "off"))
        stack.callback(line.stop)
        with refusing(_UNCHECKED):
            report = verify_lake(
                store,
                options,
                broker=view,
                open_letters=letters_opener(os.environ.get(KEY_VARIABLE)),
                progress=line.show,
            )
    if warehouse is not None:
        with refusing(_UNCHECKED):
            _with_warehouse(report, store, *warehouse)
    if arguments.format == "json":
        write_json(report, line.seconds)
    else:
        write_text(report, line.seconds, console())
    return ExitCode.COMPLETE if report.holds else ExitCode.FAILED


def _warehouse(arguments: argparse.Namespace) -> tuple[RedshiftSettings, LoadPlan] | None:
    if not wants_redshift(arguments):
        if arguments.config or arguments.set:
            raise ConfigurationError(
                "--config and --set mean nothing without a warehouse", "Give --redshift_host"
            )
        return None
    plan = load_plan(load_config(arguments.config, arguments.set))
    return redshift_settings(arguments, PATIENCE_S), plan


def _with_warehouse(
    report: Report, store: ObjectStore, settings: RedshiftSettings, plan: LoadPlan
) -> Report:
    session = connect(settings)
    try:
        for proof in verify_warehouse(store, session, Statements(settings.schema), plan):
            report.add(proof.breaches)
            report.notes.append(str(proof))
    finally:
        session.close()
    return report


def _view(arguments: argparse.Namespace) -> KafkaView | None:
    if not arguments.kafka_bootstrap_servers:
        if arguments.kafka_config or arguments.allow_lag:
            raise ConfigurationError(
                "--kafka_config and --allow_lag mean nothing without a broker",
                "Give --kafka_bootstrap_servers",
            )
        return None
    settings = BrokerSettings(
        bootstrap_servers=arguments.kafka_bootstrap_servers,
        config=kafka_config_of(arguments),
        group_id="pharmabeam-verify",
        patience_s=PATIENCE_S,
    )
    return KafkaView(settings, PATIENCE_S)


def letters_opener(key: str | None) -> OpenLetters | None:
    """Returns what opens dead letters that this key has sealed; None without a key."""
    if not key:
        return None
    key_id = Seal(key).key_id

    def open_letters(table: pa.Table, owner: PartitionId) -> Iterable[Mapping[str, Any]]:
        mine = table.filter(pc.equal(table.column("key_id"), key_id))
        return open_dead_letters(
            mine, key, topic=owner.topic, topic_id=owner.topic_id, partition=owner.partition
        )

    return open_letters


def _options(arguments: argparse.Namespace) -> VerifyOptions:
    return VerifyOptions(
        since_ms=milliseconds(arguments.since) if arguments.since else None,
        sample=arguments.sample,
        metadata_only=arguments.metadata_only,
        allow_lag=arguments.allow_lag,
    )


def milliseconds(text: str, flag: str = "--since") -> int:
    """Returns a time with its zone as milliseconds since 1970 UTC.

    Args:
        text: In ISO 8601.
        flag: The flag that it came with, for the message.

    Raises:
        ConfigurationError: It is no such time.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(
            f"{flag} must be a time in ISO 8601, got {text!r}", "Write 2026-01-31T00:00:00Z"
        ) from error
    if moment.tzinfo is None:
        raise ConfigurationError(f"{flag} {text} has no zone", "Add Z or +01:00")
    return int(moment.timestamp() * 1000)


def _parser() -> Parser:
    parser = Parser("python -m beam_pipelines.verify", __doc__ or "")
    parser.add_argument("--lake_root", required=True, metavar="s3://BUCKET/PREFIX")
    parser.add_argument(
        "--kafka_bootstrap_servers",
        metavar="HOST:PORT,...",
        help="also compares the lake with the broker: fences, and messages read again",
    )
    add_kafka_config_flag(parser)
    parser.add_argument(
        "--allow_lag", action="store_true", help="messages that are not yet read are no breach"
    )
    parser.add_argument(
        "--since", metavar="TIME", help="read files only of commits of this broker time or later"
    )
    parser.add_argument(
        "--sample", type=float, default=1.0, help="share of the commits that are read; 1"
    )
    parser.add_argument(
        "--metadata_only", action="store_true", help="chains, existence and sizes; reads no file"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("--progress", choices=("auto", "off"), default="auto")
    parser.add_argument("--config", metavar="FILE", help="the job's, with --redshift_host")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    add_store_flags(parser)
    add_redshift_flags(parser)
    return parser
