"""``python -m beam_pipelines.canary``: do planted texts show where none may be?

Exit codes: 0 none does; 1 some do, or sealed ones are missing; 2 it could not be searched.
"""

import argparse
import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from beam_pipelines.arguments import Parser, add_store_flags, run_command, store_settings_of
from beam_pipelines.canary.file_buffers import file_buffers
from beam_pipelines.canary.keeping import Keeping, keeping
from beam_pipelines.canary.lake_buffers import lake_buffers
from beam_pipelines.canary.letters import Arrivals, arrivals
from beam_pipelines.canary.manifest import Canary, read_canaries
from beam_pipelines.canary.output import Outcome, write_json, write_text
from beam_pipelines.canary.scan import Scan
from beam_pipelines.exit_codes import ExitCode
from beam_pipelines.refusals import refusing
from beam_pipelines.terminal import console
from transforms.errors import ConfigurationError, SecretError
from transforms.lake import LakeManifest, ObjectStore, require_lake
from transforms.masking import POLICIES
from transforms.secrets import resolve

#: Somebody waits for the answer, so an outage is an answer soon.
PATIENCE_S: Final = 20.0
#: The key that the pipeline's packaged configuration names, too.
DEFAULT_KEY: Final = "env:DEAD_LETTER_KEY"


def main(argv: Sequence[str]) -> int:
    """Searches and returns the exit code; see ``ExitCode``."""
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(name)s: %(message)s")
    return run_command(lambda: _run(argv))


def _run(argv: Sequence[str]) -> int:
    arguments = _parser().parse_args(list(argv))
    if not arguments.lake_root and not arguments.paths:
        raise ConfigurationError("there is nothing to search", "Give --lake_root, --paths or both")
    canaries = read_canaries(arguments.manifest)
    with refusing("the search broke off: "):  # Then it proves nothing.
        outcome = _searched(arguments, canaries)
    if arguments.format == "json":
        write_json(outcome)
    else:
        write_text(outcome, console())
    return ExitCode.COMPLETE if outcome.clean else ExitCode.FAILED


def _searched(arguments: argparse.Namespace, canaries: Sequence[Canary]) -> Outcome:
    began = time.monotonic()
    store, lake = _lake(arguments)
    key = _key(arguments.key) if lake else None
    found = _arrivals(store, lake, canaries, key) if store and lake else None
    policy = arguments.policy or (lake.policy if lake else "")
    datasets = {canary.dataset for canary in canaries}
    kept = keeping(policy, datasets, arguments.policy_keeps) if policy else Keeping(frozenset())
    scan = Scan(canaries, kept)
    if store:
        scan.search(lake_buffers(store))
    scan.search(file_buffers(arguments.paths, arguments.manifest))
    return Outcome(
        scan=scan,
        canaries=len(canaries),
        arrivals=found,
        opened=key is not None,
        policy=policy,
        seconds=time.monotonic() - began,
    )


def _lake(arguments: argparse.Namespace) -> tuple[ObjectStore | None, LakeManifest | None]:
    if not arguments.lake_root:
        return None, None
    settings = replace(store_settings_of(arguments), patience_s=PATIENCE_S)
    store = ObjectStore(arguments.lake_root, settings)
    store.check_reachable()
    return store, require_lake(store)


def _arrivals(
    store: ObjectStore, lake: LakeManifest, canaries: Sequence[Canary], key: str | None
) -> Arrivals:
    found = arrivals(store, lake, canaries, key)
    if not found.arrived:
        raise ConfigurationError(
            "the lake has committed none of the manifest's messages, so a search proves nothing",
            "Run the pipeline first, or give the manifest of what was produced to its topics",
        )
    return found


def _key(reference: str | None) -> str | None:
    """Returns the data key; a default that isn't set leaves the letters closed."""
    try:
        return resolve(reference or DEFAULT_KEY)
    except SecretError:
        if reference:
            raise
        return None


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _parser() -> Parser:
    parser = Parser("python -m beam_pipelines.canary", (__doc__ or "").partition("\n")[0])
    add = parser.add_argument
    add("--manifest", type=Path, required=True, metavar="FILE", help="written by produce")
    add("--lake_root", metavar="s3://BUCKET/PREFIX", help="searches every object below it")
    add("--paths", type=Path, nargs="+", default=[], metavar="PATH", help="files and folders, too")
    add(
        "--key",
        metavar="REFERENCE",
        help=f"opens dead letters, which must hold the malformed messages; {DEFAULT_KEY}",
    )
    add("--policy", choices=POLICIES, help="judges by this policy instead of the lake's own")
    add(
        "--policy_keeps",
        type=_names,
        default=[],
        metavar="DATASET.FIELD,...",
        help="fields that the configuration keeps beyond the policy",
    )
    add("--format", choices=("text", "json"), default="text")
    add_store_flags(parser)
    return parser
