"""The kernel's own words: the only ctypes of the project.  Read libc.py first.

One wrapper per call, named as in its manual page, signature set at import; failure is `OSError`
with the path.  Plain modules that start fast: no dataclasses, no typing, nothing of asyncio.
"""
