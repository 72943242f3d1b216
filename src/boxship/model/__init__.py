"""The nouns that every program shares: plain values, no I/O.  Read errors.py first.

digest      the name of bytes: sha256:<64 hex digits>
reference   the name of an image: domain/path:tag@digest
state       what a container can be, and the moves between
error       one class per kind; each border translates kinds, never texts
"""
