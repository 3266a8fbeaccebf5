"""The queue worker, with a polling interval so long that only prompt looks can finish the test."""

from __future__ import annotations

import asyncio

import procrastinate

from guestlist.engine.prompt import PromptWorker


def test_a_job_whose_lock_is_freed_and_one_inserted_meanwhile_do_not_wait_for_the_next_poll(database_url):
    connector = procrastinate.PsycopgConnector(conninfo=database_url, min_size=1, max_size=4)
    app = procrastinate.App(connector=connector)
    done: list[int] = []

    @app.task(name="work")
    async def work(number: int) -> None:
        if number < 20:  # deferred while this very job holds the lock
            await app.configure_task("work", lock="same", queueing_lock="same").defer_async(number=number + 1)
        await asyncio.sleep(0.01)
        done.append(number)

    async def run() -> None:
        async with app.open_async():
            await app.configure_task("work", lock="same", queueing_lock="same").defer_async(number=1)
            worker = PromptWorker(
                app, concurrency=4, fetch_job_polling_interval=600, delete_jobs="always", install_signal_handlers=False
            )
            running = asyncio.create_task(worker.run())
            async with asyncio.timeout(60):
                while len(done) < 20:
                    await asyncio.sleep(0.02)
            worker.stop()
            await running

    asyncio.run(run())

    assert done == list(range(1, 21))
