"""A stream read, decompressed and hashed by one thread while another one uses what came before."""

import hashlib
import queue
import threading
from contextlib import suppress

from boxship.model.digest import Digest
from boxship.storage.tarstream import CHUNK, Readable

_AHEAD = 8


class ReadAhead:
    """At most `_AHEAD` pieces of a stream, and the digest of all that was read.  Close it."""

    def __init__(self, stream: Readable) -> None:
        """Begin to read."""
        self._stream = stream
        self._hash = hashlib.sha256()
        self._pieces: queue.Queue[bytes | BaseException] = queue.Queue(_AHEAD)
        self._closed = False
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="read ahead", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        piece: bytes | BaseException = b"begin"
        while isinstance(piece, bytes) and piece and not self._closed:
            try:
                piece = self._stream.read(CHUNK)
                self._hash.update(piece)
            except BaseException as error:  # noqa: BLE001  (the reader raises it)
                piece = error
            self._pieces.put(piece)

    def read(self, size: int = CHUNK, /) -> bytes:
        """The next piece, whatever its size; none at the end."""
        if self._ended:
            return b""
        piece = self._pieces.get()
        if isinstance(piece, BaseException):
            self._ended = True
            raise piece
        self._ended = not piece
        return piece

    def digest(self) -> Digest:
        """Of all that was read."""
        return Digest(f"sha256:{self._hash.hexdigest()}")

    def close(self) -> None:
        """Stop reading and wait for the thread: nobody uses the stream any more."""
        self._closed = True
        while self._thread.is_alive():
            with suppress(queue.Empty):
                self._pieces.get_nowait()
            self._thread.join(0.001)

    def __enter__(self) -> "ReadAhead":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
