"""What an endpoint for Prometheus shows."""

from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

#: Each sample's name and labels, in order.
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scraped(port: int) -> Samples:
    """Asks an endpoint on this machine as Prometheus does; returns its samples."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as reply:
        text = reply.read().decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
