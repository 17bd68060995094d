import asyncio

import pytest

from runners.local.redshift.errors import SqlError
from runners.local.redshift.hub import Hub
from runners.local.redshift.sql import Copy


class Admin:
    """A connection that answers each statement with itself, one at a time, after a moment."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.busy = False

    async def query(self, sql: str) -> list[list[str | None]]:
        assert not self.busy
        self.busy = True
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        self.busy = False
        self.ran.append(sql)
        return [["7" if sql.startswith("INSERT") else sql]]


@pytest.fixture
def admin():
    return Admin()


def hub(admin: Admin) -> Hub:
    return Hub(socket="", admin=admin, store=None, role="")


COPY = Copy(table="t", source="s3://b/it's", role="default", manifest=True, fill=False)


async def cancelled(work) -> None:
    task = asyncio.ensure_future(work)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_query_whose_caller_is_cancelled_leaves_nothing_to_the_next(admin):
    async def main():
        shared = hub(admin)
        await cancelled(shared.query("one"))
        return await shared.query("two")

    assert asyncio.run(main()) == [["two"]]
    assert admin.ran == ["one", "two"]


def test_a_load_is_recorded_as_aborted_though_its_session_is_gone_before_it_began(admin):
    async def main():
        shared = hub(admin)
        begun = shared.finish(shared.begin_load(["1", "dev", "2"], COPY))
        await cancelled(shared.finish(shared.end_load(begun, asyncio.CancelledError())))
        await asyncio.gather(*shared._unfinished)

    asyncio.run(main())
    assert [sql.split()[0] for sql in admin.ran] == ["INSERT", "UPDATE"]
    assert "status = 'aborted'" in admin.ran[1]
    assert "'s3://b/it''s'" in admin.ran[0]


def test_an_error_of_a_load_is_recorded_with_its_column(admin):
    async def main():
        shared = hub(admin)
        begun = shared.finish(shared.begin_load(["1", "dev", "2"], COPY))
        failure = SqlError("XX000", "short", record={"column_name": "c", "error_message": "long"})
        await shared.end_load(begun, failure)

    asyncio.run(main())
    assert "status = 'failed'" in admin.ran[1]
    assert "(error_message, column_name, query_id) VALUES ('long', 'c', '7')" in admin.ran[2]
