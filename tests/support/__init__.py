"""What the behaviour tests share: a server in a thread, raw clients, small applications."""
