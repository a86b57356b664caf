"""`--reload`: the application is served anew whenever one of its files changes."""
