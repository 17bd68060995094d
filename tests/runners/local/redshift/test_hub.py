import asyncio

import pytest

from runners.local.redshift.hub import Hub


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
        return [[sql]]


@pytest.fixture
def admin():
    return Admin()


def hub(admin: Admin) -> Hub:
    return Hub(socket="", admin=admin, store=None, role="")


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
