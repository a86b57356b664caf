"""`casgi top`: a running server, live in the terminal, by its control socket.

It knows what `casgi ctl` knows, and compares it with what that was a moment ago. `sampling` asks,
`views` says what stands in each table, `report` writes it as text and JSON; only `app` and
`dialogs` need Textual, which is imported when the terminal is to be drawn on.
"""
