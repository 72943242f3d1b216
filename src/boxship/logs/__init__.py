"""Container logs on disk: written by the shim, read by the daemon.  Read json_file.py first.

line     what a container wrote up to a newline, at most 16 KiB of it: one JSON object of the file
partial  a line that was cut at 16 KiB, or by the end of its stream: its text has no newline
rotated  an older file of the same log, at `<path>.1` (the youngest), `<path>.2`, ...
"""
