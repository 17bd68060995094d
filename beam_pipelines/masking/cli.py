"""``python -m beam_pipelines.masking explain|diff``: what masking policies do, on synthetic data.

Exit codes: 0 told; 2 a wrong flag, policy, dataset or override.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from beam_pipelines.arguments import Parser, run_command
from beam_pipelines.exit_codes import ExitCode
from beam_pipelines.masking.datasets import packaged_masks
from beam_pipelines.masking.output import say_diff, say_explained
from beam_pipelines.pharmacy.chain import mask_config
from beam_pipelines.pharmacy.config import load_config
from transforms.errors import ConfigurationError
from transforms.masking import POLICIES, DatasetMask, diff, explain

__all__ = ["main"]

#: The policy of the packaged configuration.
DEFAULT_POLICY: Final = "pseudonymised"

_PROG: Final = "python -m beam_pipelines.masking"


def main(argv: Sequence[str]) -> int:
    """Runs a subcommand and returns its exit code."""
    return run_command(lambda: _run(argv))


def _run(argv: Sequence[str]) -> int:
    arguments = _parser().parse_args(list(argv))
    arguments.run(arguments)
    return ExitCode.COMPLETE


def _explain(arguments: argparse.Namespace) -> None:
    policy, overrides = DEFAULT_POLICY, {}
    if arguments.config is None:
        datasets = _packaged(arguments.schema)
    else:
        masks = mask_config(load_config(arguments.config))
        policy, overrides = masks.policy, dict(masks.overrides)
        datasets = _chosen(masks.datasets, arguments.schema)
    policy = arguments.policy or policy
    rows = explain(policy, datasets, {**overrides, **_overrides(arguments.override)})
    say_explained(rows, datasets, policy=policy, form=arguments.format, everything=arguments.all)


def _packaged(names: Sequence[str] | None) -> dict[str, DatasetMask]:
    """Returns the masks of packaged datasets, with the links of the packaged configuration."""
    links = load_config(None).masking.links
    masks = packaged_masks(names)
    return {name: replace(mask, links=links.get(name, {})) for name, mask in masks.items()}


def _chosen(
    datasets: Mapping[str, DatasetMask], names: Sequence[str] | None
) -> dict[str, DatasetMask]:
    for name in names or ():
        if name not in datasets:
            raise ConfigurationError(
                f"no topic of the configuration carries the dataset {name!r}",
                f"Name one of {', '.join(datasets)}",
            )
    return {name: mask for name, mask in datasets.items() if names is None or name in names}


def _diff(arguments: argparse.Namespace) -> None:
    datasets = _packaged(arguments.schema)
    left, right = arguments.left, arguments.right
    differences = diff(left, right, datasets, _overrides(arguments.override))
    say_diff(differences, left, right, datasets=datasets, form=arguments.format)


def _overrides(texts: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        name, equals, action = text.partition("=")
        if not (name and equals and action):
            raise ConfigurationError(
                "--override must be DATASET.FIELD=ACTION", "Such as dispense_event.sig_text=drop"
            )
        pairs[name] = action
    return pairs


def _parser() -> argparse.ArgumentParser:
    parser = Parser(_PROG, "What a masking policy does with each field, on synthetic data.")
    commands = parser.add_subparsers(required=True, metavar="explain|diff")
    shown = _command(commands, "explain", "field, class, action and example of each field")
    shown.set_defaults(run=_explain)
    shown.add_argument(
        "--policy",
        help=f"{', '.join(POLICIES)} (default {DEFAULT_POLICY}, or the configuration's)",
    )
    shown.add_argument(
        "--config",
        metavar="FILE",
        help="explain what this pipeline does: its datasets, derived columns, policy and overrides",
    )
    shown.add_argument("--all", action="store_true", help="fields of class NONE, too")
    _add_flags(shown)
    compared = _command(commands, "diff", "the fields that two policies treat differently")
    compared.set_defaults(run=_diff)
    compared.add_argument("left", metavar="POLICY")
    compared.add_argument("right", metavar="POLICY")
    _add_flags(compared)
    return parser


def _command(commands: Any, name: str, text: str) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = commands.add_parser(
        name, prog=f"{_PROG} {name}", description=text, help=text
    )
    return made


def _add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--schema",
        action="append",
        metavar="DATASET",
        help="a packaged dataset; may be repeated (default: all)",
    )
    parser.add_argument(
        "--override",
        action="append",
        default=[],
        metavar="DATASET.FIELD=ACTION",
        help="as in the configuration's overrides; may be repeated",
    )
    parser.add_argument("--format", choices=["table", "json"], default="table")
