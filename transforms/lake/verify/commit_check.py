"""One commit with all that it names: files read, dispositions rebuilt."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa

from transforms.errors import ObjectMissingError
from transforms.lake.client import ObjectStore
from transforms.lake.commit import DataFile, SegmentCommit
from transforms.lake.names import SIDECAR
from transforms.lake.verify.contents import (
    FileRows,
    check_bytes,
    check_no_row_twice,
    check_rows,
    check_sidecar,
    read_parquet,
    read_sidecar,
    rows_of,
)
from transforms.lake.verify.dispositions import (
    LETTERS,
    Dispositions,
    check_dispositions,
    rebuild,
)
from transforms.lake.verify.records import check_record
from transforms.lake.verify.report import Breach, breach
from transforms.lake.verify.rules import check_rules
from transforms.segment import DEAD_LETTER, PARKED

#: What a damaged body may raise in Arrow's readers, or in ours on a table that isn't ours.
UNREADABLE: Final = (pa.ArrowException, OSError, KeyError, TypeError, ValueError)


@dataclass
class CommitCheck:
    """What reading a commit's files gave.

    Attributes:
        commit: The commit.
        breaches: What is wrong.
        files: Rows of its data files, those that could be read.
        letters: Its dead letters and parked messages, or None.
        dispositions: The rebuilt sets; None if a file is missing or damaged, so that they can't be
            rebuilt.
        files_read: Files that were read.
        bytes_read: Their bytes.
    """

    commit: SegmentCommit
    breaches: list[Breach] = field(default_factory=list)
    files: list[FileRows] = field(default_factory=list)
    letters: pa.Table | None = None
    dispositions: Dispositions | None = None
    files_read: int = 0
    bytes_read: int = 0

    @property
    def rows(self) -> int:
        """Rows of the data files read."""
        return sum(len(file.offsets) for file in self.files)


def check_contents(store: ObjectStore, commit: SegmentCommit) -> CommitCheck:
    """Reads every file of a commit and rebuilds its dispositions; one file in memory at a time."""
    done = CommitCheck(commit)
    done.breaches.extend(check_record(commit))
    whole = not done.breaches
    for file in commit.files:
        whole = _read_file(store, file, done) and whole
    if whole:
        done.breaches.extend(check_no_row_twice(commit, done.files))
        done.dispositions = rebuild(commit, done.files, done.letters)
        done.breaches.extend(check_dispositions(commit, done.dispositions))
        done.breaches.extend(check_rules(commit, done.files, done.dispositions))
    return done


def check_existence(
    store: ObjectStore, commit: SegmentCommit, listed: Mapping[str, int]
) -> CommitCheck:
    """Checks a commit's record, and that its files exist with their sizes, by the listing.

    A file that the listing lacks is asked for: it may be younger than the listing.
    """
    done = CommitCheck(commit)
    done.breaches.extend(check_record(commit))
    for file in commit.files:
        size = listed[file.key] if file.key in listed else store.size(file.key)
        if size is None:
            done.breaches.append(_missing(commit, file))
        elif size != file.bytes:
            what = f"{size} bytes, recorded {file.bytes}"
            done.breaches.append(breach(commit, "size", what, file.key))
    return done


def _missing(commit: SegmentCommit, file: DataFile) -> Breach:
    return breach(commit, "missing", "the commit names it and it is not there", file.key)


def _read_file(store: ObjectStore, file: DataFile, done: CommitCheck) -> bool:
    """Reads one file into ``done``; False if its rows are unknown."""
    commit = done.commit
    try:
        body = store.get(file.key)
    except ObjectMissingError:
        done.breaches.append(_missing(commit, file))
        return False
    done.files_read += 1
    done.bytes_read += len(body)
    damaged = list(check_bytes(commit, file, body))
    if damaged:
        done.breaches.extend(damaged)
        return False
    try:
        _read_rows(file, body, done)
    except UNREADABLE as error:
        what = f"it can't be read ({type(error).__name__})"
        done.breaches.append(breach(commit, "unreadable", what, file.key))
        return False
    return True


def _read_rows(file: DataFile, body: bytes, done: CommitCheck) -> None:
    if file.dataset != SIDECAR:
        parquet = read_parquet(body)
        done.breaches.extend(check_rows(done.commit, file, parquet))
        done.files.append(rows_of(file, parquet))
        return
    tables = read_sidecar(body)
    done.breaches.extend(check_sidecar(done.commit, file, tables))
    if LETTERS in tables:
        done.letters = tables[LETTERS]
        done.breaches.extend(_letters(done.commit, file, tables[LETTERS]))


def _letters(commit: SegmentCommit, file: DataFile, letters: pa.Table) -> list[Breach]:
    names = set(letters.column("disposition").to_pylist())
    if names <= {DEAD_LETTER, PARKED}:
        return []
    return [breach(commit, "disposition", "a dead letter is something else", file.key)]
