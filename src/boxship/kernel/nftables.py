"""libnftables(3): the rules of the kernel's packet filter, in the words of nft(8).

A context is not thread safe: make one, and use it on the thread that made it.  It speaks to the
namespace in which it was made.
"""

import ctypes
import os

from boxship.kernel.libc import c_char_p, c_int, c_uint, c_void_p

NFT_CTX_DEFAULT = 0
NFT_CTX_OUTPUT_JSON = 1 << 4

_LIBRARY = "libnftables.so.1"


def _load() -> ctypes.CDLL:
    library = ctypes.CDLL(_LIBRARY)
    library.nft_ctx_new.argtypes = (c_uint,)
    library.nft_ctx_new.restype = c_void_p
    library.nft_ctx_free.argtypes = (c_void_p,)
    library.nft_ctx_free.restype = None
    library.nft_ctx_buffer_output.argtypes = (c_void_p,)
    library.nft_ctx_buffer_error.argtypes = (c_void_p,)
    library.nft_ctx_get_output_buffer.argtypes = (c_void_p,)
    library.nft_ctx_get_output_buffer.restype = c_char_p
    library.nft_ctx_get_error_buffer.argtypes = (c_void_p,)
    library.nft_ctx_get_error_buffer.restype = c_char_p
    library.nft_ctx_output_set_flags.argtypes = (c_void_p, c_uint)
    library.nft_run_cmd_from_buffer.argtypes = (c_void_p, c_char_p)
    library.nft_run_cmd_from_buffer.restype = c_int
    return library


class Nftables:
    """One libnftables context."""

    def __init__(self) -> None:
        """Load the library and make the context; `OSError` if the host has none."""
        self._library = _load()
        self._context = self._library.nft_ctx_new(NFT_CTX_DEFAULT)
        if not self._context:
            raise OSError("nft_ctx_new: no context")
        self._library.nft_ctx_buffer_output(self._context)
        self._library.nft_ctx_buffer_error(self._context)

    def close(self) -> None:
        """Free the context."""
        if self._context:
            self._library.nft_ctx_free(self._context)
            self._context = None

    def run(self, commands: str) -> str:
        """Carry out `commands` as one transaction: all of it or nothing.  Returns what is said."""
        return self._run(commands, 0)

    def run_json(self, commands: str) -> str:
        """The same, with the answer in libnftables-json(5)."""
        return self._run(commands, NFT_CTX_OUTPUT_JSON)

    def _run(self, commands: str, flags: int) -> str:
        self._library.nft_ctx_output_set_flags(self._context, flags)
        failed = self._library.nft_run_cmd_from_buffer(self._context, os.fsencode(commands))
        said = self._library.nft_ctx_get_output_buffer(self._context) or b""
        errors = self._library.nft_ctx_get_error_buffer(self._context) or b""
        if failed:
            reason = errors.decode(errors="replace").strip() or "refused"
            raise OSError(f"nftables: {reason}\nin: {commands}")
        return str(said.decode(errors="replace"))
