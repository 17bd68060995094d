"""One broker, or several that replicate each other."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from runners.local import Kafka, KafkaSettings, services
from runners.local._kafka import _new_cluster_id
from runners.local._ports import HOST, free_ports
from runners.local._state import Entry

#: Replicas that must have a message before its producer is told so, where there are three.
_IN_SYNC: Final = 2


@dataclass
class Brokers:
    """The brokers of a run.

    Attributes:
        nodes: All of them.
        lost: Those that never come back.
    """

    nodes: tuple[Kafka, ...]
    lost: list[Kafka] = field(default_factory=list)

    @property
    def bootstrap_servers(self) -> str:
        """The addresses of all, the lost ones too: that is what clients know."""
        return ",".join(node.bootstrap_servers for node in self.nodes)

    def pick(self, draw: int) -> Kafka:
        """Returns one that isn't lost."""
        left = [node for node in self.nodes if node not in self.lost]
        return left[draw % len(left)]

    def lose(self, draw: int) -> None:
        """Kills one for good."""
        node = self.pick(draw)
        node.kill()
        self.lost.append(node)

    def start_again(self) -> None:
        """Starts those that were killed but for the lost ones, and waits until they answer."""
        left = [node for node in self.nodes if node not in self.lost]
        for node in left:
            node.start()
        for node in left:
            node.wait_ready()


@contextmanager
def brokers(folder: Path, count: int) -> Iterator[Brokers]:
    """Runs brokers for as long as the body does.

    Args:
        folder: For data and logs.
        count: How many.
    """
    ports = free_ports(2 * count)
    controllers, clients = ports[:count], ports[count:]
    voters = ",".join(f"{n}@{HOST}:{port}" for n, port in enumerate(controllers, start=1))
    cluster_id = _new_cluster_id()
    with ExitStack() as stack:
        nodes = []
        for n in range(count):
            own = folder / f"broker-{n + 1}"
            settings = KafkaSettings(short_lived=True, properties=_properties(n + 1, voters, count))
            handles = stack.enter_context(services(own, kafka=settings, start=()))
            taken = {"CONTROLLER": controllers[n], "PLAINTEXT": clients[n]}
            handles.state.put(handles.kafka.name, Entry(ports=taken))
            handles.kafka.folder.mkdir(parents=True, exist_ok=True)
            (handles.kafka.folder / "cluster_id").write_text(cluster_id)
            nodes.append(handles.kafka)
        made = Brokers(tuple(nodes))
        made.start_again()
        yield made


def _properties(node: int, voters: str, count: int) -> Mapping[str, str]:
    in_sync = str(min(count, _IN_SYNC))
    return {
        "node.id": str(node),
        "controller.quorum.voters": voters,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": str(count),
        "transaction.state.log.replication.factor": str(count),
        "transaction.state.log.min.isr": in_sync,
    }
