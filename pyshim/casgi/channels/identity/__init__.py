"""Whose a WebSocket is: a user's and a session's. Closing it by either, from anywhere."""
