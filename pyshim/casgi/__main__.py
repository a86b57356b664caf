"""The command `casgi`, and `python -m casgi`. What takes half a second to import comes late."""

from casgi.signals_at_start import hold_signals_back


def main() -> None:
    """Run the command, which begins with no signal that could end it by chance."""
    hold_signals_back()
    from casgi.cli import main as command

    command(prog_name="casgi")


if __name__ == "__main__":
    main()
