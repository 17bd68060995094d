"""What the Spark job is to do, made of our configuration: one JSON file.

Made in the benchmark's process, so that Spark's pays for nothing of ours.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from sqlglot.errors import SqlglotError

from beam_pipelines.pharmacy.chain import make_chain
from beam_pipelines.pharmacy.config import PharmacyConfig
from runners import java, maven
from schemas.arrow_types import arrow_schema
from schemas.catalog import packaged_dataset
from tests.benchmarks.spark_streaming.dialect import spark_sql
from tests.benchmarks.spark_streaming.masks import SHIFT, masks_of, shift_sql
from transforms.masking import Action

DATASET: Final = "dispense_event"
#: Any key will do: which one it is costs nothing.
KEY: Final = bytes(range(32))


@dataclass(frozen=True, kw_only=True)
class Servers:
    """Where the job reads and writes: ``kafka``, and ``s3`` for ``session.open_session``."""

    kafka: str
    s3: dict[str, str]


def make_spec(config: PharmacyConfig, servers: Servers) -> dict[str, Any]:
    """Returns all that is alike in every run.

    ``unsaid`` lists the rules and derived columns that can't be said in Spark's dialect.
    """
    chain = make_chain(config)
    columns = arrow_schema(packaged_dataset(DATASET).reader)
    dates = frozenset(f.name for f in columns if pa.types.is_date(f.type))
    said, unsaid = _said(chain, dates)
    decisions = [d for d in chain.masks.decisions(DATASET) if d.column[0] != "_"]
    keys = {one.found.cls: KEY for one in decisions if one.found}
    kept = [d for d in decisions if d.column not in unsaid]
    moves = any(one.action is Action.DATE_SHIFT for one in kept)
    return {
        "servers": servers.kafka,
        "s3": servers.s3,
        "jars": [str(path) for path in maven.jars(_coordinates(), label="Spark's connectors")],
        "java_home": str(java.find(minimum=17, maximum=17).executable.parents[1]),
        "schema": _schema(DATASET),
        "references": [_reference(config, *each, dates) for each in _references(chain)],
        "rules": said["rules"],
        "columns": said["columns"],
        "masks": masks_of(kept, _kinds(columns), keys),
        "shift": {"name": SHIFT, "sql": shift_sql("patient_id", KEY)} if moves else None,
        "unsaid": unsaid,
        "probe": False,
    }


def write_spec(path: Path, spec: dict[str, Any], **more: Any) -> Path:
    """Writes the spec of one run: ``topic``, ``out`` and ``checkpoint``, or ``probe``."""
    path.write_text(json.dumps({**spec, **more}))
    return path


def without(spec: dict[str, Any], refused: list[str]) -> dict[str, Any]:
    """Returns a spec without the rules and columns that Spark's analyzer refused."""
    gone = set(refused)
    return {
        **spec,
        "rules": [rule for rule in spec["rules"] if rule["id"] not in gone],
        "columns": {name: sql for name, sql in spec["columns"].items() if name not in gone},
        "masks": {name: sql for name, sql in spec["masks"].items() if name not in gone},
        "unsaid": [*spec["unsaid"], *refused],
    }


def _said(chain: Any, dates: frozenset[str]) -> tuple[dict[str, Any], list[str]]:
    rules, columns, unsaid = [], {}, []
    for rule in chain.rules.of(DATASET):
        try:
            sql = spark_sql(rule.expression, dates)
            rules.append({"id": rule.id, "severity": rule.severity.value, "sql": sql})
        except SqlglotError:
            unsaid.append(rule.id)
    for step in chain.steps:
        for name, sql in getattr(step, "expressions", {}).items():
            if step.dataset == DATASET:
                try:
                    columns[name] = spark_sql(sql, dates)
                except SqlglotError:
                    unsaid.append(name)
    return {"rules": rules, "columns": columns}, unsaid


def _references(chain: Any) -> list[tuple[str, Any]]:
    # Links are none of Spark's: what is looked up by them it can't say.
    specs = chain.rules.references
    return [(n, spec) for n, spec in specs.items() if DATASET in spec.lookup and not spec.link]


def _reference(
    config: PharmacyConfig, name: str, spec: Any, dates: frozenset[str]
) -> dict[str, str]:
    on, at = spec.match(name, DATASET)
    (topic,) = [each.topic for each in config.topics if each.dataset == spec.dataset]
    return {
        "name": name,
        "topic": topic,
        "schema": _schema(spec.dataset),
        "key": spec.key,
        "effective": spec.effective,
        "on": spark_sql(on, dates),
        "at": spark_sql(at, dates),
    }


def _schema(dataset: str) -> str:
    return json.dumps(packaged_dataset(dataset).reader.json)


def _kinds(columns: pa.Schema) -> dict[str, str]:
    return {
        field.name: "date" if pa.types.is_date(field.type) else "timestamp"
        for field in columns
        if pa.types.is_date(field.type) or pa.types.is_timestamp(field.type)
    }


def _coordinates() -> list[str]:
    text = Path(__file__).with_name("jars.txt").read_text()
    return [line for line in text.splitlines() if line and not line.startswith("#")]
