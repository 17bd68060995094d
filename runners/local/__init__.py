"""Real servers on this machine's loopback address: Apache Kafka, S3, a stand-in for Redshift.

On the command line: ``python -m runners.local up|status|down [--state_dir D]``. In Python:
`services`, whose servers end with the process.
"""

from runners.local._kafka import Kafka, KafkaSettings, Listener
from runners.local._redshift import Redshift, RedshiftSettings
from runners.local._s3 import S3, S3Settings
from runners.local._services import Services, services

__all__ = [
    "S3",
    "Kafka",
    "KafkaSettings",
    "Listener",
    "Redshift",
    "RedshiftSettings",
    "S3Settings",
    "Services",
    "services",
]
