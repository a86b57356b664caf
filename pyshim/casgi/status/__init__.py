"""What a server says of itself on an address of its own: `--metrics`.

/metrics is for Prometheus, /health and /ready are for whoever starts and stops it.
"""
