"""Answers that come piece by piece: the header at once, the body as it is made."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

from aiohttp import web

from boxship.daemon import reply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from boxship.daemon.request import Request

T = TypeVar("T")


async def open_stream(request: Request, content_type: str) -> web.StreamResponse:
    """Begin an answer: status and headers are on their way when this returns."""
    response = web.StreamResponse(headers={**reply.COMMON, "Content-Type": content_type})
    await response.prepare(request.http)
    return response


class Progress:
    """Progress of long work as a stream of JSON messages.

    Until the first message the answer has not begun, and an error is an ordinary one; after it
    the error is the last message of the stream, as Docker's clients expect.
    """

    def __init__(self, request: Request) -> None:
        """A stream that has not begun."""
        self._request = request
        self._messages: deque[dict[str, Any]] = deque()
        self._news = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._response: web.StreamResponse | None = None

    def tell(self, message: dict[str, Any]) -> None:
        """Add a message; from any thread."""
        self._messages.append(message)
        self._loop.call_soon_threadsafe(self._news.set)

    async def during(
        self, work: Awaitable[T], last: Callable[[T], dict[str, Any]] | None = None
    ) -> web.StreamResponse:
        """Do the work while its messages flow; the message `last` makes of its result ends them."""
        task = asyncio.ensure_future(work)
        task.add_done_callback(lambda _: self._news.set())
        try:
            while not task.done():
                await self._news.wait()
                self._news.clear()
                await self._flush()
            result = task.result()
        except Exception as error:
            if self._response is None:
                raise
            return await self._failed(error)
        finally:
            task.cancel()
        if last is not None:
            self._messages.append(last(result))
        await self._flush(begin=True)
        assert self._response is not None
        return self._response

    async def _failed(self, error: Exception) -> web.StreamResponse:
        if isinstance(error, ConnectionError):
            raise error
        await self._flush()
        text = reply.message_of(error)
        self._messages.append({"errorDetail": {"message": text}, "error": text})
        await self._flush()
        assert self._response is not None
        return self._response

    async def _flush(self, *, begin: bool = False) -> None:
        if not self._messages and not begin:
            return
        if self._response is None:
            self._response = await open_stream(self._request, "application/json")
        lines = []
        while self._messages:
            lines.append(reply.encode(self._messages.popleft()) + b"\r\n")
        if lines:
            await self._response.write(b"".join(lines))
