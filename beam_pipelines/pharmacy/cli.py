"""``python -m beam_pipelines.pharmacy``: Kafka to the lake and the warehouse, exactly once."""

import argparse
import logging
import secrets
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from beam_pipelines.arguments import (
    Parser,
    add_metrics_flag,
    check_beam_flags,
    run_command,
    store_settings,
)
from beam_pipelines.exit_codes import ExitCode
from beam_pipelines.pharmacy.config import PharmacyConfig, load_config
from beam_pipelines.pharmacy.draining import drain
from beam_pipelines.pharmacy.explain import PARTS, explain
from beam_pipelines.pharmacy.kpi_plan import kpi_job
from beam_pipelines.pharmacy.load_pipeline import LoadJob
from beam_pipelines.pharmacy.pipeline import PharmacyJob
from beam_pipelines.pharmacy.streaming import StreamFlags, stream
from beam_pipelines.terminal import console
from beam_pipelines.warehouse.plan import load_plan
from beam_pipelines.warehouse.settings import (
    LOAD_PATIENCE_S,
    add_redshift_flags,
    redshift_settings,
    wants_redshift,
)
from runners.metrics import serve_launched
from runners.packaging import check_owners
from runners.presets import prepare
from transforms.errors import ConfigurationError
from transforms.kafka import parse_start
from transforms.lake import StoreSettings

#: Stands for a server in an explanation that names none.
UNNAMED = "unnamed"
#: A checkpoint waits for the sink, and fails after a minute: a stream waits an outage of S3 out in
#: many tries instead of one long one.
STREAM_PATIENCE_S = 20.0


def main(argv: Sequence[str]) -> int:
    """Runs the job and returns its exit code; see ``ExitCode``."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    # It shows a job server's whole command line, jars and all, as a warning.
    logging.getLogger("apache_beam.utils.subprocess_server").setLevel(logging.ERROR)
    return run_command(lambda: _run(argv))


def _run(argv: Sequence[str]) -> int:
    parser = _parser()
    arguments, beam_flags = parser.parse_known_args(list(argv))
    if not arguments.explain:
        _require(parser, arguments)
    job = _job(arguments, beam_flags)
    if arguments.explain:
        sys.stdout.write(explain(job, beam_flags, arguments.explain))
        return ExitCode.COMPLETE
    screen = console(stderr=True, quiet=arguments.progress == "off")
    check_owners()
    flags = prepare(beam_flags, mode=arguments.mode, notify=screen.print)
    if arguments.metrics_port:
        serve_launched(arguments.metrics_port, flags)
    if arguments.mode == "stream":
        return stream(job, _stream_flags(arguments, flags), screen)
    if "FnApiRunner" in " ".join(flags):
        check_beam_flags(flags)  # A job server knows flags of its own; we can't ask it yet.
    return drain(job, flags, screen)


def _stream_flags(arguments: argparse.Namespace, flags: Sequence[str]) -> StreamFlags:
    for name in ("load_interval", "run_for"):
        value = getattr(arguments, name)
        if value is not None and value <= 0:
            raise ConfigurationError(f"--{name} must be above 0 seconds", "Such as 30")
    return StreamFlags(
        stream=flags,
        # In this process: a job of its own on the cluster would take half a minute to start.
        drain=prepare(["--runner=direct"], mode="drain", notify=lambda _: None),
        load_interval=arguments.load_interval if arguments.load == "graph" else None,
        run_for=arguments.run_for,
    )


def _job(arguments: argparse.Namespace, beam_flags: Sequence[str]) -> PharmacyJob:
    config = load_config(arguments.config, arguments.set)
    job = PharmacyJob(
        config=config,
        bootstrap_servers=arguments.kafka_bootstrap_servers or UNNAMED,
        lake_root=arguments.lake_root or f"s3://{UNNAMED}/{UNNAMED}",
        store=_store(config, beam_flags, arguments.mode),
        start=parse_start(arguments.start),
        mode=arguments.mode or "drain",
        run_id=f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}",
    )
    job = job.part(kpi=kpi_job(job))
    if not wants_redshift(arguments):
        return job
    load = LoadJob(
        lake_root=job.lake_root,
        redshift=redshift_settings(arguments, LOAD_PATIENCE_S),
        plan=load_plan(config, job.chain),
        store=job.store,
        run_id=job.run_id,
    )
    return job.part(load=load)


def _require(parser: Parser, arguments: argparse.Namespace) -> None:
    names = ("mode", "kafka_bootstrap_servers", "lake_root")
    missing = [f"--{name}" for name in names if getattr(arguments, name) is None]
    if missing:
        parser.error(f"the following arguments are required: {', '.join(missing)}")


def _store(config: PharmacyConfig, beam_flags: Sequence[str], mode: str) -> StoreSettings:
    settings = store_settings(beam_flags, config.lake.kms_key_id)
    patience_s = config.lake.patience_s
    if mode == "stream":
        patience_s = min(patience_s, STREAM_PATIENCE_S)
    return replace(settings, patience_s=patience_s, timeout_s=config.lake.timeout_s)


def _parser() -> Parser:
    parser = Parser("python -m beam_pipelines.pharmacy", __doc__ or "")
    parser.add_argument(
        "--mode", choices=("drain", "stream"), help="drain: read to the end; stream: go on"
    )
    parser.add_argument("--kafka_bootstrap_servers", metavar="HOST:PORT,...")
    parser.add_argument("--lake_root", metavar="s3://BUCKET/PREFIX")
    parser.add_argument("--config", metavar="FILE", help="YAML; the packaged one by default")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="set a key of the configuration, such as masking.policy=limited; may be repeated",
    )
    parser.add_argument(
        "--start",
        default="earliest",
        help="where topics new to the lake begin: earliest, latest, a time with its zone, or a "
        "JSON file of offsets",
    )
    parser.add_argument(
        "--explain",
        nargs="?",
        choices=PARTS,
        const=PARTS[0],
        help="print the whole configuration, the graph (dot: for Graphviz) and Beam's flags, and "
        "do nothing",
    )
    parser.add_argument(
        "--load",
        choices=("graph", "external"),
        default="graph",
        help="in a stream: load the warehouse within it, or leave it to warehouse load --every",
    )
    parser.add_argument(
        "--load_interval", type=float, default=30.0, metavar="SECONDS", help="30 by default"
    )
    parser.add_argument(
        "--run_for",
        type=float,
        metavar="SECONDS",
        help="stop a stream so long after its first commit, as Ctrl-C does; by default it goes on",
    )
    add_metrics_flag(parser)
    parser.add_argument("--progress", choices=("auto", "off"), default="auto")
    add_redshift_flags(parser)
    return parser
