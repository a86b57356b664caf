"""A Django project with the chat of Channels' tutorial, the same code under every server."""
