"""The command: makes one run and prints its table; exit code 1 if anything was lost or doubled.

Ctrl-C ends the faults early: what was sent until then is compared all the same.
"""

import argparse
import logging
import secrets
import signal
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from tests.chaos.plan import KILLS
from tests.chaos.run import ChaosError, Settings, run
from tests.chaos.table import table


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    # Beam has set up logging, and a producer tells of each connection that it loses.
    logging.getLogger("beam_pipelines.produce").setLevel(logging.CRITICAL)
    seed = secrets.randbelow(1 << 32) if arguments.seed is None else arguments.seed
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="chaos-"))
    settings = Settings(
        runner=arguments.runner,
        kills=arguments.kills,
        seed=seed,
        folder=folder,
        rate=arguments.rate,
        brokers=arguments.brokers,
        before=arguments.before,
    )
    asked = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: asked.set())
    try:
        outcome = run(settings, _tell, asked.is_set)
    except ChaosError as error:
        _tell(f"FAILED at {error}")
        return 1
    verdict = outcome.verdict
    text = table(outcome.recovered, verdict)
    _tell(f"\n{text}\n{verdict.messages:,} messages, {verdict.dead:,} of them dead letters")
    if arguments.table:
        arguments.table.parent.mkdir(parents=True, exist_ok=True)
        arguments.table.write_text(text)
    for problem in verdict.problems:
        _tell(problem)
    if not verdict.holds:
        _tell(f"FAILED. Again: {settings.command()}; data and logs are in {folder}")
    return 0 if verdict.holds else 1


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tests.chaos", description=__doc__)
    parser.add_argument("--runner", choices=sorted(KILLS), default="direct")
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, help="a run is made again by its seed")
    parser.add_argument("--rate", type=int, default=100, help="messages a second")
    parser.add_argument(
        "--brokers", type=int, default=1, help="of several, one is lost for good meanwhile"
    )
    parser.add_argument("--folder", type=Path, help="for data and logs")
    parser.add_argument("--table", type=Path, help="file for the table, as Markdown")
    parser.add_argument("--before", default="", help="module:function, such as a planted bug")
    return parser


if __name__ == "__main__":
    sys.exit(main())
