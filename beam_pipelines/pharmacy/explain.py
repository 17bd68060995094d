"""``--explain``: what a run would do, without touching anything."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

import apache_beam as beam
import yaml
from apache_beam.pipeline import AppliedPTransform, PipelineVisitor

from beam_pipelines.pharmacy.chain import Chain
from beam_pipelines.pharmacy.kpi_pipeline import KpiJob, build_kpi
from beam_pipelines.pharmacy.load_pipeline import LoadJob, build_load
from beam_pipelines.pharmacy.pipeline import PharmacyJob, build
from runners import presets

#: What can be asked for: everything, or one part alone, for another program to read.
PARTS: Final = ("all", "config", "graph", "dot", "flags")


def explain(job: PharmacyJob, beam_flags: Sequence[str], part: str) -> str:
    """Returns a text on a run.

    Args:
        job: The run; its servers are not asked.
        beam_flags: The user's flags for Beam.
        part: One of ``PARTS``.

    Raises:
        ConfigurationError: The configuration doesn't fit together.
        RunnerRefusedError: The runner can't do it.
    """
    if part == "config":
        return _config(job)
    if part == "graph":
        return _graph(job)
    if part == "dot":
        return _dot(job)
    if part == "flags":
        return _flags(job, beam_flags)
    titled = {
        "The configuration, in full": _config(job),
        "The graph": _graph(job),
        "Beam's flags, and why each is set": _flags(job, beam_flags),
    }
    return "\n".join(f"# ---- {title}\n{text}" for title, text in titled.items())


def _config(job: PharmacyJob) -> str:
    # By alias: what is printed can be read again. Secrets are references by construction.
    plain = job.config.model_dump(mode="json", by_alias=True, exclude_none=True)
    text: str = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=100)
    return text


def _flags(job: PharmacyJob, beam_flags: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in presets.explain(beam_flags, mode=job.mode))


def _graph(job: PharmacyJob) -> str:
    details = _details(job.chain) | _load_details(job.load) | _kpi_details(job.kpi)
    lines = []
    for name, steps in _parts(job):
        lead = "" if name.startswith("Read") else "-> "
        lines.append(f"{lead}{name}  [{', '.join(steps)}]")
        lines += [f"       {detail}" for detail in details.get(name, _topics(job, name))]
    return "".join(f"{line}\n" for line in lines)


def _topics(job: PharmacyJob, name: str) -> list[str]:
    if name != "ReadFromKafka":
        return []
    names = [each.topic or each.pattern for each in job.config.topics]
    width = max(map(len, names))
    return [
        f"{name:{width}}  {each.dataset}"
        for name, each in zip(names, job.config.topics, strict=True)
    ]


def _details(chain: Chain) -> dict[str, list[str]]:
    rules = chain.rules
    return {
        "Validate": [f"{name}: {len(rules.of(name))} rules" for name in rules.datasets],
        "MapTables": [f"{step.dataset}: {', '.join(step.columns)}" for step in chain.steps],
        "MaskFields": [
            f"policy {chain.masks.policy}",
            *(f"{n}: {', '.join(m.links)}" for n, m in chain.masks.datasets.items() if m.links),
        ],
        "EnforceLimits": [f"{name}: {count} columns" for name, count in _limited(chain).items()],
        "WriteToS3": [
            f"{each.name}: {each.aggregate.dataset} by {each.aggregate.window}, "
            f"{', '.join(each.aggregate.dimensions)}"
            for each in chain.aggregates
        ],
    }


def _load_details(load: LoadJob | None) -> dict[str, list[str]]:
    if load is None:
        return {}
    tables = (*load.plan.loaded, *load.plan.star)
    return {
        "ReadCommits": ["when the lake is done, from the warehouse's fences on"],
        "WriteToRedshift": [f"schema {load.redshift.schema}", *(each.table for each in tables)],
    }


def _kpi_details(kpi: KpiJob | None) -> dict[str, list[str]]:
    if kpi is None:
        return {}
    firing = {each.name: kpi.firing(each) for each in kpi.aggregates}
    since = "the lake's beginning" if kpi.since is None else f"{kpi.since:%Y-%m-%d %H:%M %Z}"
    return {
        "ReadPartials": [f"without state from {since} on"],
        **{
            f"FirePanes-{name}": [
                f"early after {each.early_s} s, late for {each.allowed_lateness_s} s, "
                f"cells below {each.suppress_below} hidden",
                *(f"sliding: {one.size_s} s every {one.every_s} s" for one in each.sliding),
            ]
            for name, each in firing.items()
        },
        "PublishPanes": [f"topic {kpi.publish.topic}"],
    }


def _limited(chain: Chain) -> Counter[str]:
    return Counter(rule.dataset for rule in chain.limits)


def _dot(job: PharmacyJob) -> str:
    graph = _Graph()
    _built(job).visit(graph)
    lines = ["digraph pharmacy {", "  rankdir=TB;", "  node [shape=box];"]
    for number, (name, steps) in enumerate(graph.parts.items()):
        lines.append(f'  subgraph cluster_{number} {{ label="{name}";')
        lines += [f'    "{step}" [label="{step.rpartition("/")[2]}"];' for step in steps]
        lines.append("  }")
    lines += [f'  "{source}" -> "{target}";' for source, target in graph.edges]
    return "\n".join([*lines, "}", ""])


def _parts(job: PharmacyJob) -> Iterator[tuple[str, list[str]]]:
    graph = _Graph()
    _built(job).visit(graph)
    for name, steps in graph.parts.items():
        yield name, [step.rpartition("/")[2] for step in steps]


def _built(job: PharmacyJob) -> beam.Pipeline:
    pipeline = beam.Pipeline()
    build(pipeline, job)
    if job.load is not None:
        build_load(pipeline, job.load, {})
    if job.kpi is not None:
        build_kpi(pipeline, job.kpi)
    return pipeline


class _Graph(PipelineVisitor):  # type: ignore[misc]
    """Collects our steps of Beam's own graph, by the part that they belong to, and the edges.

    What a step of Beam's is made of (a combiner's shuffle, say) counts as that step.
    """

    def __init__(self) -> None:
        self.parts: dict[str, list[str]] = {}
        self.edges: list[tuple[str, str]] = []

    def visit_transform(self, node: AppliedPTransform) -> None:
        """Takes one step, and the edges that lead to it."""
        step = _step(node)
        _add(self.parts.setdefault(step.partition("/")[0], []), step)
        for collection in node.inputs:
            if collection.producer is not None and _step(collection.producer) != step:
                _add(self.edges, (_step(collection.producer), step))


def _step(node: AppliedPTransform) -> str:
    return "/".join(node.full_label.split("/")[:2])


def _add(listed: list[Any], item: Any) -> None:
    if item not in listed:
        listed.append(item)
