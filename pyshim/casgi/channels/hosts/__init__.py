"""The channel layer of several hosts: the hub of each, joined to the others' by Redis."""
