"""For developers: writes the next revision from what `tables` has and the newest one lacks, and prints its path."""

import sys
import tempfile
from pathlib import Path
from typing import cast

from alembic import command
from alembic.script import Script

from core.db.engine import Database
from core.db.migrations import FOLDER, configured, newest, upgrade


def main(message: str) -> Path:
    """Compares in an empty SQLite database at the newest revision. Read the result before committing it."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/empty.db")
        upgrade(database)
        number = f"{len(list((FOLDER / 'versions').glob('[0-9]*.py'))) + 1:04d}"
        with database.write() as connection:
            written = command.revision(
                configured(connection), message, autogenerate=True, rev_id=number, head=newest() or "base"
            )
        database.close()
    path = Path(cast("Script", written).path)
    lines = [line for line in path.read_text().splitlines(keepends=True) if "# ###" not in line]
    path.write_text("".join(lines))
    return path


if __name__ == "__main__":
    sys.stdout.write(f"{main(' '.join(sys.argv[1:]))}\n")
