"""The screen of `casgi top`: totals, one table, and what can be done to a row.

It asks on another thread, so that keys are answered while the server is silent.
"""

import asyncio
from typing import ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import DataTable, Footer, Input, Static, Tab, Tabs

from casgi.control.client import ask
from casgi.control.protocol import Arguments, ControlError, Row
from casgi.top.dialogs import Confirmation, Page, Question
from casgi.top.report import in_words
from casgi.top.rows_table import RowsTable
from casgi.top.sampling import Sample, Sampler
from casgi.top.views import VIEWS, WORKERS, View, totals

_CSS = """
#totals { padding: 0 1; background: $panel; }
#notice { padding: 0 1; color: $text-warning; display: none; }
#filter { display: none; }
RowsTable { height: 1fr; }
"""


class TopApp(App[None]):
    """Shows a server until somebody quits."""

    TITLE = "casgi top"
    CSS = _CSS
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(str(number), f"show({name!r})", name, show=False)
            for number, name in enumerate(VIEWS, 1)
        ),
        Binding("q", "quit", "Quit"),
        Binding("p", "pause", "Pause"),
        Binding("o", "order", "Order"),
        Binding("r", "reverse", "Reverse"),
        Binding("slash", "filter", "Filter"),
        Binding("escape", "unfilter", "", show=False),
        Binding("k", "kick", "Kick"),
        Binding("d", "drain", "Drain"),
        Binding("s", "stacks", "Stacks"),
        Binding("c", "change", "Change limit"),
        Binding("l", "log_level", "Log level"),
    ]

    def __init__(self, sampler: Sampler, interval: float, view: str) -> None:
        """Take where to ask, how often, and the view that is shown first."""
        super().__init__()
        self._sampler = sampler
        self._interval = interval
        self._view = VIEWS[view]
        self._sample = self._before = Sample()
        self._is_looking = False
        self._is_paused = False
        self._totals = Static(Text(f"asks {sampler.path}"), id="totals")
        self._table = RowsTable()
        self._filter = Input(placeholder="what a row must have in it", id="filter", compact=True)
        self._notice = Static(id="notice")
        self._done = self._problem = ""

    def compose(self) -> ComposeResult:
        """Return what is shown."""
        yield self._totals
        labels = (f"{number} {name.title()}" for number, name in enumerate(VIEWS, 1))
        tabs = (Tab(label, id=name) for name, label in zip(VIEWS, labels, strict=True))
        yield Tabs(*tabs, active=self._view.name)
        yield self._table
        yield self._filter
        yield self._notice
        yield Footer()

    def on_mount(self) -> None:
        """Begin to look."""
        self._table.begin(self._view.columns, self._view.identity)
        self._table.focus()
        self.set_interval(self._interval, self._look)
        self._look()

    def on_unmount(self) -> None:
        """Disconnect."""
        self._sampler.close()

    async def action_quit(self) -> None:
        """Quit, also while the server is silent."""
        self._sampler.close()
        self.exit()

    # --- Looking ---

    def _look(self) -> None:
        """Look once, unless the server is still silent since the last time."""
        if not (self._is_looking or self._is_paused):
            self._is_looking = True
            self.run_worker(self._take_sample(), group="look")

    async def _take_sample(self) -> None:
        view = self._view
        try:
            sample = await asyncio.to_thread(
                self._sampler.sample, dict.fromkeys((WORKERS.name, view.name))
            )
        except ControlError as error:
            self._say(problem=str(error))
        else:
            self._before, self._sample = self._sample, sample
            self._say(problem="\n".join(sample.silent))
            self._show()
        finally:
            self._is_looking = False
        if self._view is not view:
            self._look()

    def _show(self) -> None:
        workers = WORKERS.rows(self._sample, self._before)
        self._totals.update(Text(in_words(totals(workers))))
        if self._view.name in self._sample.answers:
            self._table.show_rows(self._view.rows(self._sample, self._before))

    def _say(self, done: str | None = None, problem: str | None = None) -> None:
        """Say what came of the last key until the next, and what is wrong until it is not."""
        self._done = self._done if done is None else done
        self._problem = self._problem if problem is None else problem
        lines = list(filter(None, (self._done, self._problem)))
        self._notice.update(Text("\n".join(lines)))
        self._notice.display = bool(lines)

    # --- What is shown ---

    def action_show(self, name: str) -> None:
        """Show another view."""
        self.query_one(Tabs).active = name

    def on_tabs_tab_activated(self, event: Tabs.TabActivated) -> None:
        """Show the view of a tab."""
        view: View = VIEWS[event.tab.id or WORKERS.name]
        if view is not self._view:
            self._view = view
            self._say("")
            self._table.begin(view.columns, view.identity)
            self.action_unfilter()
            self._look()

    def on_data_table_header_selected(self, event: DataTable.HeaderSelected) -> None:
        """Order by a column that was clicked, and the other way round by the next click."""
        column = self._view.columns[event.column_index]
        if self._table.order == column:
            self.action_reverse()
        else:
            self._table.order = column
            self._show()

    def action_order(self) -> None:
        """Order by the next column."""
        self._say(f"ordered by {self._table.order_by_next() or 'what is most'}")
        self._show()

    def action_reverse(self) -> None:
        """Show the last row first, or the first again."""
        self._table.is_reversed = not self._table.is_reversed
        self._show()

    def action_pause(self) -> None:
        """Look no more, or again."""
        self._is_paused = not self._is_paused
        self._say("paused: p goes on" if self._is_paused else "")

    def action_filter(self) -> None:
        """Ask what rows must have in them."""
        self._filter.display = True
        self._filter.focus()

    def action_unfilter(self) -> None:
        """Show all rows."""
        self._filter.display = False
        self._filter.value = ""
        self._table.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter by what is written so far."""
        if event.input is self._filter:  # Those of dialogs come here as well.
            self._table.filter = event.value
            self._show()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the filter, and go back to the table."""
        if event.input is self._filter:
            self._table.focus()

    # --- What is done ---

    def action_kick(self) -> None:
        """Close the connection that the cursor is on."""
        row = self._row_with("connection")
        if row is not None:
            name = row["connection"]
            question = f"Close connection {name} of {row.get('client') or row.get('path')}?"
            self._do_if_confirmed(question, "kick", {"connection": name})

    def action_drain(self) -> None:
        """Have the worker that the cursor is on replaced."""
        row = self._row_with("worker")
        if row is not None:
            question = f"Let another worker take the place of worker {row['worker']}?"
            self._do_if_confirmed(question, "drain", {"worker": row["worker"]})

    def action_stacks(self) -> None:
        """Show where the code of the worker that the cursor is on stands, or that of all."""
        row = self._table.row_of_cursor or {}
        self.run_worker(self._show_stacks({"worker": row["worker"]} if "worker" in row else {}))

    def action_change(self) -> None:
        """Change the limit that the cursor is on."""
        row = self._row_with("limit")
        if row is None:
            return

        def change(value: str | None) -> None:
            if value is not None:
                self.run_worker(self._do("set", {"limit": row["limit"], "value": value}))

        self.push_screen(Question(f"{row['limit']} in all workers", str(row["value"])), change)

    def action_log_level(self) -> None:
        """Set the level of the log."""

        def change(level: str | None) -> None:
            if level is not None:
                self.run_worker(self._do("log-level", {"level": level}))

        self.push_screen(Question("Level of the log: debug, info, warning, error"), change)

    def _row_with(self, key: str) -> Row | None:
        row = self._table.row_of_cursor
        if row is None or row.get(key) in (None, "-"):
            self._say(f"the cursor is on no {key}")
            return None
        return row

    def _do_if_confirmed(self, question: str, command: str, arguments: Arguments) -> None:
        def do(is_confirmed: bool | None) -> None:
            if is_confirmed:
                self.run_worker(self._do(command, arguments))

        self.push_screen(Confirmation(question), do)

    async def _do(self, command: str, arguments: Arguments) -> None:
        """Have the server do something, and say what came of it."""
        try:
            await asyncio.to_thread(ask, self._sampler.path, command, arguments)
        except ControlError as error:
            self._say(str(error))
        else:
            self._say(f"{command}: done")
            self._look()

    async def _show_stacks(self, arguments: Arguments) -> None:
        try:
            answer = await asyncio.to_thread(ask, self._sampler.path, "stacks", arguments)
        except ControlError as error:
            self._say(str(error))
            return
        parts = (f"worker {row['worker']} {row['what']}:\n{row['stack']}" for row in answer["rows"])
        self.push_screen(Page("\n".join([*parts, *answer["silent"]])))
