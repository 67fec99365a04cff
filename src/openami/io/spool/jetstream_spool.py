"""A spool in a JetStream stream of NATS servers: three of them keep what a head-end takes, should its machine be lost.

One item is one message, its number the stream's sequence. Items taken together are an atomic batch: all or none. The
stream's description names the spool: a stream that was lost and made anew is another one.

A server acknowledges when a majority has the message in memory or on its disk. Three replicas survive the loss of one
machine; a single server must run with `sync_interval: always`, or a power cut takes what it acknowledged.

The requests are those of the JetStream wire API, as NATS' architecture decisions describe them (ADR-1, ADR-31 for
reading many at once, ADR-50 for batches).
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from openami.io.spool.spool import SpooledItem, SpoolFull
from openami.model.errors import SettingError, StoreError

T = TypeVar("T")
SCHEME: Final = "nats://"
BATCH_MAX: Final = 1_000
"""So many items at once, and no more: a bound of the server."""
TIMEOUT_S: Final = 10.0
HEAD_BYTES: Final = 512
"""What a message is counted for beyond its content, when the server bounds an answer by bytes."""
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NOT_FOUND: Final = 10059
_FULL: Final = frozenset({10047, 10077})
_API: Final = "$JS.API"
_END: Final = frozenset({"204", "404"})


class JetStreamSpool:
    """See `Spool`. `url` is `nats://[user:password@]host[:port]/STREAM`; the stream is made if it is not there.

    Raises `SettingError` for another form, `StoreError` while no server answers.
    """

    def __init__(
        self,
        url: str,
        *,
        random: Callable[[int], bytes],
        limit_bytes: int = 1 << 30,
        replicas: int = 3,
        connect_s: float = TIMEOUT_S,
    ) -> None:
        self._connect_s = connect_s
        self._server, self._stream = _parts(url)
        self._random = random
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="jetstream", daemon=True)
        self._thread.start()
        self._failed = f"spool {self._stream} at {urlsplit(url).hostname}"
        try:
            self._client: Client = self._run(self._connect())
            self._payload_max = self._client.max_payload
            self.identity = self._find(limit_bytes, replicas)
        except BaseException:
            self._end()
            raise

    def append(self, item: bytes) -> int:
        return self.append_many((item,))[0]

    def append_many(self, items: Sequence[bytes]) -> list[int]:
        longest = max(map(len, items), default=0)
        if longest > self._payload_max - 1024 or len(items) > BATCH_MAX:
            raise SpoolFull(
                f"{len(items)} items of {longest} bytes: {self._failed} takes {BATCH_MAX}, {self._payload_max} bytes"
            )
        if not items:
            return []
        last = self._run(self._publish(items))
        return list(range(last - len(items) + 1, last + 1))

    def read(self, after: int, limit: int, limit_bytes: int = 1 << 20) -> list[SpooledItem]:
        items: list[SpooledItem] = []
        held = 0
        for item in self._run(self._get(after + 1, limit, limit_bytes)):
            held += len(item.content)
            if items and held > limit_bytes:
                break
            items.append(item)
        return items

    def release(self, through: int) -> None:
        if through > 0:
            end = min(through, int(self._state()["last_seq"]))
            self._request(f"STREAM.PURGE.{self._stream}", {"seq": end + 1})

    @property
    def size(self) -> int:
        return int(self._state()["bytes"])

    @property
    def waiting(self) -> int:
        return int(self._state()["messages"])

    def close(self) -> None:
        self._run(self._client.close())
        self._end()

    def _find(self, limit_bytes: int, replicas: int) -> str:
        """The stream's name for ever; the stream is made if it is not there."""
        answer = self._run(self._ask(f"STREAM.INFO.{self._stream}", {}))
        if _code(answer) == _NOT_FOUND:
            config = {
                "name": self._stream,
                "subjects": [self._subject],
                "description": self._random(16).hex(),
                "storage": "file",
                "retention": "limits",
                "discard": "new",
                "max_bytes": limit_bytes,
                "num_replicas": replicas,
                "allow_direct": True,
                "allow_atomic": True,
                "deny_delete": True,
            }
            answer = self._run(self._ask(f"STREAM.CREATE.{self._stream}", config))
        return str(self._checked(answer)["config"]["description"])

    @property
    def _subject(self) -> str:
        return f"openami.spool.{self._stream}"

    def _state(self) -> dict[str, Any]:
        state: dict[str, Any] = self._request(f"STREAM.INFO.{self._stream}", {})["state"]
        return state

    def _request(self, what: str, content: dict[str, Any]) -> dict[str, Any]:
        return self._checked(self._run(self._ask(what, content)))

    def _checked(self, answer: dict[str, Any]) -> dict[str, Any]:
        if _code(answer) in _FULL:
            raise SpoolFull(f"{self._failed} is full; nothing pulls it")
        if "error" in answer:
            raise StoreError(f"{self._failed}: {answer['error'].get('description', 'refused')}")
        return answer

    async def _connect(self) -> Client:
        """Bounded at first; a connection that breaks later is made again for ever, and who asks meanwhile is told."""
        async with asyncio.timeout(self._connect_s):
            return await nats.connect(self._server, max_reconnect_attempts=-1, error_cb=_quiet)

    async def _ask(self, what: str, content: dict[str, Any]) -> dict[str, Any]:
        return _decoded(await self._client.request(f"{_API}.{what}", json.dumps(content).encode(), timeout=TIMEOUT_S))

    async def _publish(self, items: Sequence[bytes]) -> int:
        """The sequence of the last item, once the servers have them all. The batch ends with its commit."""
        name = self._random(16).hex()
        for number, item in enumerate(items, start=1):
            headers = {"Nats-Batch-Id": name, "Nats-Batch-Sequence": str(number)}
            if number < len(items):
                await self._client.publish(self._subject, item, headers=headers)
        headers |= {"Nats-Batch-Commit": "1"}
        answer = await self._client.request(self._subject, items[-1], timeout=TIMEOUT_S, headers=headers)
        return int(self._checked(_decoded(answer))["seq"])

    async def _get(self, first: int, limit: int, limit_bytes: int) -> list[SpooledItem]:
        inbox = self._client.new_inbox()
        subscription = await self._client.subscribe(inbox)
        try:
            asked = {"seq": max(1, first), "batch": limit, "max_bytes": limit_bytes + limit * HEAD_BYTES}
            await self._client.publish(f"{_API}.DIRECT.GET.{self._stream}", json.dumps(asked).encode(), reply=inbox)
            items: list[SpooledItem] = []
            while True:
                message = await subscription.next_msg(timeout=TIMEOUT_S)
                headers = message.headers or {}
                if headers.get("Status") in _END:
                    return items
                if "Nats-Sequence" not in headers:
                    raise StoreError(f"{self._failed}: {headers.get('Description', 'another answer than expected')}")
                items.append(SpooledItem(int(headers["Nats-Sequence"]), message.data))
        finally:
            await subscription.unsubscribe()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop).result()
        except (NatsError, OSError, TimeoutError) as error:
            raise StoreError(f"{self._failed}: {error!r}; nothing was taken") from error

    def _end(self) -> None:
        asyncio.run_coroutine_threadsafe(_cancel_others(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _cancel_others() -> None:
    """The client's own tasks end with the loop."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0)  # transports close in the turn after


async def _quiet(_error: Exception) -> None:
    """What fails is told to who asked; the client's own log would tell it again."""


def _parts(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    stream = parts.path.removeprefix("/")
    if not url.startswith(SCHEME) or not parts.hostname or not _NAME.fullmatch(stream):
        raise SettingError("a spool in NATS is written nats://host:4222/STREAM, the stream in letters, digits, - and _")
    return url.removesuffix(parts.path), stream


def _decoded(message: Msg) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(message.data or b"{}")
    return answer


def _code(answer: dict[str, Any]) -> int:
    return int(answer.get("error", {}).get("err_code", 0))
