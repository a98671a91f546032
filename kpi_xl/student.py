"""Student's t distribution."""

from scipy.special import stdtr, stdtrit


def two_sided(t: float, freedom: float) -> float:
    """How often |t| is at least as large."""
    return float(2.0 * stdtr(freedom, -abs(t)))


def deviate(tail: float, freedom: float) -> float:
    """The t above which `tail` of the distribution lies."""
    return float(-stdtrit(freedom, tail))
