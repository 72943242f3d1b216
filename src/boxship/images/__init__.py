"""Images: names for configurations that name layers.  Read images.py first, then pull.py.

image       a configuration; its id is the digest of the configuration's bytes
reference   a tag, or the digest of a manifest, of a repository: what people call an image
top layer   the chain id of the uppermost layer, None of an image without layers
manifest    what a registry served: it names the configuration and the compressed layers
lease       holds layers while an image is being made, so that nobody takes them away
"""
