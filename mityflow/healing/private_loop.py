"""An event loop of one's own, wherever one is called from."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_BEAT = 0.1


def run_private(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in a new event loop, also where this thread has one that is running."""

    async def beaten() -> T:
        heart = asyncio.ensure_future(_beat())  # what is raised in this thread comes when Python code runs next
        try:
            return await work
        finally:
            heart.cancel()

    if asyncio._get_running_loop() is None:
        return asyncio.run(beaten())
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        begun: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any] | None]] = []

        async def known() -> T:
            begun.append((asyncio.get_running_loop(), asyncio.current_task()))
            return await beaten()

        future = pool.submit(asyncio.run, known())
        try:
            return future.result()
        except BaseException:
            for loop, task in begun:
                if task is not None and not future.done():
                    loop.call_soon_threadsafe(task.cancel)
            raise


async def _beat() -> None:
    while True:
        await asyncio.sleep(_BEAT)
