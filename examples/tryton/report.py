"""What Tryton's books say, as JSON, for the comparison.

python -m examples.tryton.report FOLDER
"""

import json
import sys
from pathlib import Path

from examples.tryton.books import Books


def main() -> None:
    books = Books(Path(sys.argv[1]).absolute())
    books.finish_tasks()
    print(json.dumps({"sales": books.sales(), "free": books.free_stock()}))


if __name__ == "__main__":
    main()
