"""What the API shows: records in, JSON objects out, each for the version that is asked for.

A view is a pure function.  Fields stand in the order of the API; what later versions dropped
(`ContainerConfig`, `VirtualSize` ...) appears for clients that ask for an older one.
"""
