"""What programs say to each other: the types on the wire, and callers.  A folder per language.

docker/      Engine API, HTTP and JSON
containerd/  the supervisor's gRPC API
shim/        containerd's Task API over ttrpc
registry/    the OCI distribution protocol

The *_pb2 and *_grpc modules are made from the .proto files beside them: `make protos`.
"""
