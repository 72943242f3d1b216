"""The routes of the Engine API: typed request -> one engine call -> answer.  Read table.py first.

Each module is a noun; its class holds the engine, `routes()` lists method, path and handler.
"""
