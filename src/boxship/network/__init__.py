"""Networks: namespaces, addresses, bridges, published ports.  Read networks.py first.

network     what containers are attached to: driver bridge, host or null; a row in network.db
sandbox     the network namespace of one container, kept by a file <exec-root>/netns/<12 hex>
endpoint    one container on one network: link, address, MAC, published ports; a row as well
binding     a port as asked for (-p); published: the same with the host port that it got
reservation a published port and the socket that we hold so that nobody else takes it
firewall    our table of nftables: nothing of anybody else's is read or changed

values.py -> plan.py (decide) -> operations.py (do) -> core.py (in order, with the store)
-> networks.py (the asynchronous face, on one worker thread).
"""
