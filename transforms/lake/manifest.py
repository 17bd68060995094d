"""``_lake.json``: what a lake is, written once by whoever comes first."""

import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Final

import orjson

from transforms.errors import (
    LakeMismatchError,
    ObjectConflictError,
    ObjectExistsError,
    OutcomeUnknownError,
    PipelineError,
)
from transforms.lake.client import ObjectStore
from transforms.lake.names import COMMITS, LAKE

#: Raised with any change of the layout of keys or files.
LAKE_FORMAT: Final = 1


@dataclass(frozen=True, kw_only=True)
class LakeManifest:
    """The settings that all runs on one lake must share.

    Attributes:
        lake_id: Drawn when the lake was made; each commit carries it.
        policy: The masking policy in force: one lake, one policy.
        key_domain: The domain of the pseudonyms' keys, empty if the policy makes none.
        partition_columns: The columns by which data files are placed in folders.
        format: Version of the layout.
    """

    lake_id: str
    policy: str
    key_domain: str
    partition_columns: tuple[str, ...]
    format: int = LAKE_FORMAT


@dataclass(frozen=True, kw_only=True)
class LakeSettings:
    """What a run wants of a lake; see ``LakeManifest``."""

    policy: str = "ops"
    key_domain: str = ""
    partition_columns: tuple[str, ...] = ("event_date",)


def find_lake(store: ObjectStore) -> LakeManifest | None:
    """Returns the lake's manifest, or None where there is no lake yet.

    Raises:
        LakeMismatchError: ``_lake.json`` is not ours, or newer than this version.
    """
    body = store.find(LAKE)
    if body is None:
        return None
    try:
        value = orjson.loads(body)
        _check_format(value["format"])
        value["partition_columns"] = tuple(value["partition_columns"])
        return LakeManifest(**value)
    except (ValueError, KeyError, TypeError) as error:
        raise LakeMismatchError(
            f"{LAKE} under {store.root} is no lake manifest", "Choose another lake_root"
        ) from error


def _check_format(found: object) -> None:
    # Before the rest is read: a newer format may have other fields.
    if found != LAKE_FORMAT:
        raise LakeMismatchError(
            f"the lake's format is {found}, this version writes {LAKE_FORMAT}",
            "Use the version of the pipeline that made it, or another lake_root",
        )


def require_lake(store: ObjectStore) -> LakeManifest:
    """Returns the lake's manifest.

    Raises:
        LakeMismatchError: There is no lake under this root.
    """
    lake = find_lake(store)
    if lake is None:
        raise LakeMismatchError(
            f"there is no lake at {store.root}", "Check lake_root, or open it first: open_lake"
        )
    return lake


def check_lake(manifest: LakeManifest, wanted: LakeSettings, root: str) -> None:
    """Refuses a run whose settings differ from the lake's.

    Raises:
        LakeMismatchError: Names the settings, what the lake has, and what the run wants.
    """
    have, want = asdict(manifest), asdict(wanted)
    differing = [name for name in want if want[name] != have[name]]
    if differing:
        name = differing[0]
        raise LakeMismatchError(
            f"the lake {root} has {name} {have[name]!r}, this run wants {want[name]!r}",
            "Run with the lake's setting, or write to another lake_root",
        )


def open_lake(
    store: ObjectStore,
    wanted: LakeSettings,
    new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
) -> LakeManifest:
    """Returns the lake's manifest, making the lake if there is none. Safe to call from anywhere.

    Raises:
        LakeMismatchError: See ``check_lake``. A prefix that holds commits but no manifest is
            refused too: somebody deleted it, and a new id would fork the lake.
    """
    manifest = find_lake(store)
    if manifest is None:
        manifest = _create(store, wanted, new_id())
    check_lake(manifest, wanted, store.root)
    return manifest


def _create(store: ObjectStore, wanted: LakeSettings, lake_id: str) -> LakeManifest:
    _refuse_foreign(store)
    made = LakeManifest(lake_id=lake_id, **asdict(wanted))
    body = orjson.dumps(asdict(made), option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
    store.patiently(lambda: _create_once(store, body))
    found = find_lake(store)  # Ours or that of whoever was faster.
    if found is None:
        raise PipelineError(f"{LAKE} was created and is gone", "Look for whoever deletes it")
    return found


def _create_once(store: ObjectStore, body: bytes) -> None:
    try:
        store.create(LAKE, body)
    except (ObjectExistsError, OutcomeUnknownError, ObjectConflictError) as error:
        if store.find(LAKE) is None:
            # Nobody made it, whatever the answer said: tried again, as after a 409.
            raise ObjectConflictError(error.what, error.remedy) from error


def _refuse_foreign(store: ObjectStore) -> None:
    if any(True for _ in store.walk(COMMITS)):
        raise LakeMismatchError(
            f"{store.root} holds commits but no {LAKE}",
            f"Restore {LAKE} from a backup, or choose another lake_root",
        )
