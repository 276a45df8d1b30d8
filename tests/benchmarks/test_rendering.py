"""A short run of the benchmark of rendering."""

from tests.benchmarks.rendering import results


def test_it_measures_both_forms_and_a_change() -> None:
    """The bytes of both forms are equal."""
    measured = list(results(jobs=200, repetitions=1))

    assert len(measured) == 3
    assert all(result.ours > 0 and (result.theirs or 0) > 0 for result in measured)
