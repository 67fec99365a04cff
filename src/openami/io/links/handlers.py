"""The handlers of a listening port: one task for each link, ended with the port."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine

from openami.io.links.link import Link
from openami.model.errors import LinkError

LOG = logging.getLogger(__name__)


class Handlers:
    """Runs `handler` for each link and closes the link when it ends. What fails ends its own link alone."""

    def __init__(self, handler: Callable[[Link], Awaitable[None]]) -> None:
        self._handler = handler
        self._tasks: dict[asyncio.Task[None], None] = {}  # a dict keeps the order, which a set of tasks has not

    def __len__(self) -> int:
        return len(self._tasks)

    def serve(self, link: Link) -> None:
        """Let the handler have `link`."""
        self.keep(self._serve(link))

    def keep(self, work: Coroutine[None, None, None]) -> None:
        """Run `work` to its end, or until `close`."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop)

    async def close(self) -> None:
        """Cancel what runs and wait for it; may be called twice."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, link: Link) -> None:
        try:
            await self._handler(link)
        except LinkError as error:
            LOG.info("%s", error)
        except Exception:
            LOG.exception("serving %s failed", link.peer)
        finally:
            await link.close()
