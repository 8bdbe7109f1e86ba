"""With any guard taken away a violation is found within twenty seeds. Starts with the seed that is known to find it."""

import pytest

from tests.simulation.guards import GUARDS
from tests.simulation.invariants import UNFORESEEN
from tests.simulation.test_seeds import simulate

CAUGHT_BY = {
    "fence": 1,
    "read-back": 4,
    "overlap": 3,
    "watermark": 1,
    "dedup": 4,
    "axes": 5,
    "sweeper": 1,
    "gate": 1,
    "word": 1,
}
"""Guard → a seed that missed it when this was written. It may need another one when the engine takes other steps."""


@pytest.mark.long
@pytest.mark.parametrize("guard", GUARDS)
def test_a_missing_guard_is_noticed(guard: str) -> None:
    first = CAUGHT_BY[guard]
    found = simulate("--seed", str(first), "--without", guard)
    if found.returncode == 0:
        found = simulate("--seeds", "20", "--first-only", "--without", guard, seconds=600)
    assert found.returncode == 1, f"twenty seeds do not miss the {guard}\n{found.stdout}{found.stderr}"
    assert f"WITHOUT={guard}: " in found.stdout
    assert UNFORESEEN not in found.stdout, f"what stands for the {guard} does not fit\n{found.stdout}"
