"""The fixtures of this folder."""

from tests.portability.servers import flink, spark

__all__ = ["flink", "spark"]
