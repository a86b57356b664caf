"""The channel layer whose groups and channels reach every process of the host, by the hub."""
