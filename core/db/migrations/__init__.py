"""The schema's history and the way along it. A revision imports nothing of `tables`: it stays true later.

`python -m core.db.migrations "what changes"` writes the next revision: what the tables have and the newest does not.
"""

from io import StringIO
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from core.db.engine import Database, lock

FOLDER = Path(__file__).parent


def newest() -> str:
    """The revision that this version of the product works with."""
    return ScriptDirectory.from_config(configured()).get_current_head() or ""


def present(database: Database) -> str:
    """The revision the database is at; empty before the first migration."""
    with database.read() as connection:
        return MigrationContext.configure(connection).get_current_revision() or ""


def upgrade(database: Database) -> tuple[str, str]:
    """Brings the database to the newest revision in one transaction; answers the revisions before and after.

    Several processes may call it at once: one works, the others find nothing left to do.
    """
    with database.write() as connection:
        lock(connection, "qudao.migrations")
        context = MigrationContext.configure(connection)
        before = context.get_current_revision() or ""
        command.upgrade(configured(connection), "head")
        return before, context.get_current_revision() or ""


def configured(connection: Connection | None = None) -> Config:
    """Alembic's configuration without a file: it works on the given connection and prints nothing."""
    config = Config(output_buffer=StringIO(), stdout=StringIO())
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
