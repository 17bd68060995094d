"""Which commits ``lake show`` is about."""

import argparse
from collections.abc import Iterator

from transforms.errors import ConfigurationError, ObjectMissingError
from transforms.lake import (
    CommitChain,
    LakeManifest,
    ObjectStore,
    PartitionId,
    SegmentCommit,
    Tail,
    commits,
    require_lake,
)
from transforms.lake.genesis import known_topic_ids
from transforms.lake.verify.listing import parse_commit_key


def selected(store: ObjectStore, arguments: argparse.Namespace) -> Iterator[SegmentCommit]:
    """Yields the commits that the flags name.

    Raises:
        ConfigurationError: They name none, or more than one topic.
    """
    lake = require_lake(store)
    if arguments.all:
        yield from (tail.commit for tail in commits(store, lake))
    else:
        yield _one(store, lake, arguments).commit


def _one(store: ObjectStore, lake: LakeManifest, arguments: argparse.Namespace) -> Tail:
    owner, seq = _place(store, arguments)
    chain = CommitChain(store, owner, lake.lake_id)
    if seq is None:
        tail = chain.tail()
        if tail is None:
            raise ConfigurationError(f"{owner} has no chain", _SEE_LS)
        return tail
    try:
        return chain.read(seq)
    except ObjectMissingError as error:
        raise ConfigurationError(f"{owner} has no commit number {seq}", _SEE_LS) from error


_SEE_LS = "python -m beam_pipelines.lake ls shows what there is"


def _place(store: ObjectStore, arguments: argparse.Namespace) -> tuple[PartitionId, int | None]:
    if arguments.commit_key:
        found = parse_commit_key(arguments.commit_key)
        if found is None:
            raise ConfigurationError(
                f"{arguments.commit_key!r} is no commit's key",
                "It reads _commits/TOPIC/TOPIC_ID/PARTITION/NUMBER.json",
            )
        return found
    if arguments.topic is None or arguments.partition is None:
        raise ConfigurationError(
            "no commit is named", "Give its key, or --topic and --partition (and --seq)"
        )
    topic_id = arguments.topic_id or _only_id(store, arguments.topic)
    return PartitionId(arguments.topic, topic_id, arguments.partition), arguments.seq


def _only_id(store: ObjectStore, topic: str) -> str:
    known = known_topic_ids(store, topic)
    if not known:
        raise ConfigurationError(f"the lake has no chain of the topic {topic!r}", _SEE_LS)
    if len(known) > 1:
        raise ConfigurationError(
            f"the topic {topic} was made again: it has the ids {', '.join(known)}",
            "Choose one with --topic_id",
        )
    return known[0]
