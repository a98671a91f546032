"""Formulas as mathematics is set."""

from kpi_xl import METRICS
from kpi_xl.typesetting import typeset


def plain(element: object) -> str:
    """An element in one line: fractions as [a/b], powers as a^{b}."""
    if isinstance(element, str):
        return element
    assert isinstance(element, list)
    name, *inside = element
    parts = [plain(one) for one in inside]
    shapes = {"mfrac": "[{}/{}]", "msup": "{}^{{{}}}", "msqrt": "√({})"}
    return shapes[name].format(*parts) if name in shapes else "".join(parts)


def test_brackets_stand_where_mathematics_needs_them() -> None:
    for formula, shown in (
        ("(returns - cost) / cost", "[returns−cost/cost]"),
        ("1 - (1 - churn)^periods", "1−(1−churn)^{periods}"),
        ("a - (b - c) + (d + e)", "a−(b−c)+d+e"),
        ("(last / first)^(1 / periods) - 1", "([last/first])^{[1/periods]}−1"),
        ("-a^2", "(−a)^{2}"),  # Excel's sign binds more than its power
        ("2 * (a + b) * SQRT(c)", "2×(a+b)×√(c)"),
    ):
        assert plain(typeset(formula)) == shown
    assert typeset("mean (or median) of closed - created") is None


def test_most_formulas_are_set() -> None:
    assert sum(typeset(metric.formula) is not None for metric in METRICS.values()) > 90
