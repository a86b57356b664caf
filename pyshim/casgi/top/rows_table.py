"""The rows of one view on the screen: ordered, filtered, with a cursor that stays on its row."""

from collections.abc import Sequence

from rich.text import Text
from textual.coordinate import Coordinate
from textual.widgets import DataTable

from casgi.control.protocol import Row
from casgi.control.tables import cell, heading


class RowsTable(DataTable[Text]):
    """A table whose rows are shown anew as often as they are looked at.

    Attributes:
        order: the column that the rows stand in the order of; None for the server's own.
        is_reversed: whether the last stands first.
        filter: what a row must have in one of its cells.

    """

    def __init__(self) -> None:
        """Make it empty."""
        super().__init__(cursor_type="row", zebra_stripes=True)
        self.order: str | None = None
        self.is_reversed = False
        self.filter = ""
        self._names: Sequence[str] = ()
        self._rows: list[Row] = []
        self._widths: list[int] = []
        self._identity: Sequence[str] = ()

    def begin(self, columns: Sequence[str], identity: Sequence[str]) -> None:
        """Show another view, empty at first, in the server's order and unfiltered."""
        self.order, self.is_reversed, self.filter = None, False, ""
        self._names, self._identity, self._rows = columns, identity, []
        self._widths = [len(heading(column)) for column in columns]
        self._add_columns()

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show these, in the place of those that were there."""
        shown = self._in_order([row for row in rows if self._is_wanted(row)])
        lines = [[_text(column, row) for column in self._names] for row in shown]
        widths = self._widths
        self._widths = [
            max([width, *(line[place].cell_len for line in lines)])
            for place, width in enumerate(widths)
        ]
        keys = [self._key(row) for row in shown]
        if self._widths == widths and keys == [self._key(row) for row in self._rows]:
            self._change(lines)
        else:
            self._fill(lines, keys, with_columns=self._widths != widths)
        self._rows = shown

    @property
    def row_of_cursor(self) -> Row | None:
        """The row that the cursor is on."""
        is_there = 0 <= self.cursor_row < len(self._rows)
        return self._rows[self.cursor_row] if is_there else None

    def order_by_next(self) -> str | None:
        """Order by the next column, or the server's order after the last; return it."""
        orders = [None, *self._names]
        self.order = orders[(orders.index(self.order) + 1) % len(orders)]
        return self.order

    def _add_columns(self) -> None:
        self.clear(columns=True)
        # Widths that the table finds by itself come a moment after its cells, or not at all.
        for column, width in zip(self._names, self._widths, strict=True):
            self.add_column(Text(heading(column)), width=width)

    def _change(self, lines: Sequence[Sequence[Text]]) -> None:
        for number, line in enumerate(lines):
            for place, text in enumerate(line):
                if self.get_cell_at(Coordinate(number, place)) != text:
                    self.update_cell_at(Coordinate(number, place), text)

    def _fill(
        self,
        lines: Sequence[Sequence[Text]],
        keys: list[tuple[object, ...]],
        *,
        with_columns: bool,
    ) -> None:
        row = self.row_of_cursor
        key = None if row is None else self._key(row)
        scrolled = self.scroll_y
        if with_columns:
            self._add_columns()
        else:
            self.clear()
        self.add_rows(lines)
        if key in keys:
            self.move_cursor(row=keys.index(key), scroll=False)
        self.scroll_to(y=scrolled, animate=False)

    def _key(self, row: Row) -> tuple[object, ...]:
        return tuple(row[key] for key in self._identity)

    def _is_wanted(self, row: Row) -> bool:
        return not self.filter or any(
            self.filter.lower() in cell(column, row.get(column)).lower() for column in self._names
        )

    def _in_order(self, rows: list[Row]) -> list[Row]:
        order = self.order
        if order is not None:
            numbers = all(isinstance(row.get(order), int | float | None) for row in rows)
            if numbers:  # The largest first.
                rows = sorted(rows, key=lambda row: row.get(order) or 0, reverse=True)
            else:
                rows = sorted(rows, key=lambda row: cell(order, row.get(order)))
        return rows[::-1] if self.is_reversed else rows


def _text(column: str, row: Row) -> Text:
    """Return a cell: what a client has named is no markup."""
    value = row.get(column)
    is_number = isinstance(value, int | float)
    return Text(cell(column, value), justify="right" if is_number else "left", no_wrap=True)
