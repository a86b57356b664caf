"""`python -m casgi` is the command `casgi`."""

from casgi.cli import main

if __name__ == "__main__":
    main(prog_name="casgi")
