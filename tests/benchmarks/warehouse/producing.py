"""``python -m tests.benchmarks.warehouse.producing``: the usual stream, as it happens.

The load generator gives messages the times of their events, on a day long ago. Here each gets the
time at which it is sent, so that what reads it can tell how old it is. Events are of two days
before, which no rule minds.
"""

import argparse
import json
import time
from dataclasses import replace
from typing import Final

from beam_pipelines.produce.client import KafkaTarget
from beam_pipelines.produce.generate import generate
from beam_pipelines.produce.pace import Pace
from beam_pipelines.produce.topics import TOPICS

_DAY_S: Final = 86_400


def main() -> None:
    """Produces to the end, and says how many messages it took how long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--servers", required=True)
    parser.add_argument("--events", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    arguments = parser.parse_args()
    target = KafkaTarget(arguments.servers, {}, transactional_id="bench")
    target.prepare(TOPICS, create=True, replication=1)
    day = int(time.time()) // _DAY_S - 2
    chunks = generate(1, arguments.events, "none", day)
    pace = Pace(arguments.rate)
    for chunk in chunks:
        for piece in pace.pieces(chunk):
            now = [int(time.time() * 1000)] * len(piece)
            target.send(replace(piece, timestamps_ms=now))
    target.finish()
    print(json.dumps({"messages": pace.messages, "seconds": pace.seconds()}))


if __name__ == "__main__":
    main()
