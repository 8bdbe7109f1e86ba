"""A reader of the feed that dies at random points, as a program of its own: `URL KEY FILE NAME CHANCE`.

It keeps what it saw in a SQLite file, each page in one transaction. Without a NAME the cursor is kept there too; with
one the named consumer's place is acknowledged after the commit.
"""

import json
import os
import random
import signal
import sqlite3
import sys
import urllib.parse
import urllib.request
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS seen (n INTEGER PRIMARY KEY, id TEXT UNIQUE, subject TEXT, revision INTEGER);
CREATE TABLE IF NOT EXISTS applied (subject TEXT PRIMARY KEY, times INTEGER);
CREATE TABLE IF NOT EXISTS place (cursor TEXT);
CREATE TABLE IF NOT EXISTS repeated (id TEXT);
"""


def main(url: str, key: str, file: str, name: str, chance: float) -> None:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def ask(path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url + path, data, headers)  # noqa: S310  # our own server
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.load(answer)

    def may_die(often: int = 1) -> None:
        if random.random() < often * chance:
            os.kill(os.getpid(), signal.SIGKILL)

    store = sqlite3.connect(file, isolation_level=None)
    store.execute("PRAGMA synchronous=OFF")
    store.executescript(SCHEMA)
    events = f"/v1/consumers/{name}/events?" if name else "/v1/feed?"
    while True:
        [after] = store.execute("SELECT max(cursor) FROM place").fetchone()
        query = {"limit": random.choice((1, 5, 1000, 1000)), "wait": 1} | ({} if name else {"after": after or ""})
        page = ask(events + urllib.parse.urlencode(query))
        may_die()
        store.execute("BEGIN IMMEDIATE")
        for event in page["events"]:
            row = event["id"], event["subject"], int(event["revision"])
            if store.execute("INSERT OR IGNORE INTO seen (id, subject, revision) VALUES (?, ?, ?)", row).rowcount:
                add = "INSERT INTO applied VALUES (?, 1) ON CONFLICT (subject) DO UPDATE SET times = times + 1"
                store.execute(add, row[1:2])
            else:
                store.execute("INSERT INTO repeated VALUES (?)", row[:1])
            may_die()
        if not name:
            store.execute("DELETE FROM place")
            store.execute("INSERT INTO place VALUES (?)", (page["cursor"],))
        may_die()
        store.execute("COMMIT")
        may_die(often=10)
        if name:
            ask(f"/v1/consumers/{name}/ack", {"cursor": page["cursor"]})
            may_die()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4], float(sys.argv[5]))
