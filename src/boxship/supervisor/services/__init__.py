"""containerd's gRPC services, one per file: typed request in, typed reply out.  Start at tasks.py.

A method carries the name that it has in the service; what it raises becomes a status in status.py.
"""
