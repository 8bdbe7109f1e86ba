"""How measurements are printed: one row per result, nested values as their own lines."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table


def print_table(title: str, results: Sequence[Mapping[str, Any]]) -> None:
    """Results side by side, a measure per row."""
    table = Table("measure", *(str(number + 1) for number in range(len(results))), title=title)
    names = dict.fromkeys(name for result in results for name in result)
    for name in names:
        values = [result.get(name, "") for result in results]
        if any(isinstance(value, Mapping) for value in values):
            for part in dict.fromkeys(part for value in values for part in value):
                table.add_row(f"  {part}", *(f"{value.get(part, 0):.1%}" for value in values))
        else:
            table.add_row(name, *(str(value) for value in values))
    Console().print(table)
