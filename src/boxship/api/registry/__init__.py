"""The caller's side of the distribution protocol.  Read client.py first.

registry    a host that serves repositories; `docker.io` is served by another host than its name
endpoint    one base URL of a registry
repository  one name at one endpoint, with what is needed to be let in
challenge   what a registry says of who may come in (WWW-Authenticate)
"""
