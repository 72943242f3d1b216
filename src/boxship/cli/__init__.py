"""The client: a command line to requests, and answers to text.  Read main.py, then commands.py.

command   a module with `COMMAND`: its words, its flags, its function; imported when asked for
flag      an option, declared in a table; its kind says how its text becomes a value
session   what a command works with: the engine, the configuration, the streams
row       one line of a list, as a template sees it
"""
