"""Bytes by digest, and copy-on-write directory trees.  Read overlay2.py first, then unpack.py.

blob        bytes that are named by their digest, in one file
layer       a committed tree, never changed again: what one image layer adds to its parent
diff id     the digest of a layer's uncompressed tar
chain id    the name of a layer and all below it
cache id    the random name of a layer's directory
holder      who needs a layer: an image, or a lease while an image is made
view        what a stack of layers looks like from above, read only
upper       the writable layer of one container; its init layer lies between it and the image
"""
