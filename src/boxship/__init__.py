"""Boxship: a container platform in Python that does the whole job of Docker.

Start reading at `docs/ARCHITECTURE.md`; `__main__.py` chooses the program.
"""
