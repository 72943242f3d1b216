"""containerd's gRPC API, as far as daemon and supervisor speak it.

A .proto file per service or noun; `x_pb2` has the messages, `x_grpc` grpclib's server
base and stub.
"""
