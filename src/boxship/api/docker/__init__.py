"""Docker's Engine API: its versions, its documents, its errors on the wire.  Read version.py first.

document   a JSON object of the API as a msgspec Struct, fields named as on the wire
plain      the same document as dicts and lists, every field present: what the engine stores
"""
