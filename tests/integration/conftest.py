"""Fixtures: small lakes for each test."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from runners.local import S3, Kafka
from tests.faults.lakes import Lake
from tests.integration.small import LakeFactory, run_here, small_lake
from tests.launcher import Ended, Launcher


@pytest.fixture
def write_config(tmp_path: Path) -> Callable[..., str]:
    """Writes configuration files: ``write_config(topics=[...], lake={...}) -> path``."""

    def write(**sections: object) -> str:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.yaml"
        path.write_text(yaml.safe_dump(sections))
        return str(path)

    return write


@pytest.fixture
def make_lake(
    launcher: Launcher, kafka: Kafka, s3: S3, lake_root: str, write_config: Callable[..., str]
) -> LakeFactory:
    return small_lake(launcher, kafka, s3, lake_root, write_config)


@pytest.fixture
def drain_here(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Ended]:
    """Runs the job in this process: ``drain_here(lake, *flags, config=...) -> Ended``."""

    def drain(lake: Lake, *flags: str, config: str = "") -> Ended:
        return run_here(lake, capfd, monkeypatch, *flags, config=config)

    return drain
