"""Commands on containers.  `options.py` and `payload.py` are the flags of `run`."""
