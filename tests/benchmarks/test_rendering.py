"""The benchmark of rendering works: a short form of it."""

from tests.benchmarks.rendering import results


def test_it_measures_both_forms_and_a_change() -> None:
    """And finds the bytes equal."""
    measured = list(results(jobs=200, repetitions=1))

    assert len(measured) == 3
    assert all(result.ours > 0 and (result.theirs or 0) > 0 for result in measured)
