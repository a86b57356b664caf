"""`casgi check`: what would keep the server from serving, or serving well, said before it starts.

Each file looks at one thing and yields findings; nothing is changed, and nothing stays open.
"""
