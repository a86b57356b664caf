"""casgi's benchmarks: one command that measures casgi and its peers side by side."""
