"""Real servers on this machine's loopback address: Kafka, S3, a stand-in for Redshift, Flink.

On the command line: ``python -m runners.local up|status|down [--state_dir D]``. In Python:
`services`, whose servers end with the process.
"""

from runners.local._flink import Flink, FlinkSettings
from runners.local._kafka import Kafka, KafkaSettings, Listener
from runners.local._redshift import Redshift, RedshiftSettings
from runners.local._s3 import S3, S3Settings
from runners.local._services import Services, services

__all__ = [
    "S3",
    "Flink",
    "FlinkSettings",
    "Kafka",
    "KafkaSettings",
    "Listener",
    "Redshift",
    "RedshiftSettings",
    "S3Settings",
    "Services",
    "services",
]
