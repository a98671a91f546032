"""What marketers type, in five languages, finds the function; a wrong suggestion is none."""

import hanzidentifier
import pytest

from kpi_xl import METRICS
from kpi_xl.cells import evaluate
from kpi_xl.cli import functions as cli
from kpi_xl.cli.shared import Misuse
from kpi_xl.locales import KNOWN, other_names
from kpi_xl.reference import one_line
from kpi_xl.search import called, entry, meant, plain, rank, search

# Abbreviations and terms as vendors' help pages and marketers write them, with what they stand for.
QUERIES = (
    ("LTV", "CLV"),
    ("cltv", "CLV"),
    ("LTV:CAC", "CLV_CAC"),
    ("LTV/CAC", "CLV_CAC"),
    ("LTV to CAC", "CLV_CAC"),
    ("ACoS", "AD_COST_OF_SALES"),
    ("CVR", "CONVERSION_RATE"),
    ("CR", "CONVERSION_RATE"),
    ("ROMI", "MROI"),
    ("CPO", "CPA"),
    ("eCPM", "CPM"),
    ("NDR", "NRR"),
    ("MRR", "MRR_MOVEMENTS"),
    ("ARR", "MRR_MOVEMENTS"),
    ("churn", "CHURN_RATE"),
    ("cost per lead", "CPL"),
    ("leads cost", "CPL"),
    ("average basket", "AOV"),
    ("e-mail open rate", "OPEN_RATE"),
    ("spend / new customers", "CAC"),
    ("p-value", "AB_PVALUE"),
    ("ДРР", "AD_COST_OF_SALES"),
    ("средний чек", "AOV"),
    ("стоимость лидов", "CPL"),
    ("отток клиентов", "CHURN_RATE"),
    ("удержание клиентов", "RETENTION_RATE"),
    ("客单价", "AOV"),
    ("复购率", "REPEAT_PURCHASE_RATE"),
    ("获客成本", "CAC"),
    ("回購率", "REPEAT_PURCHASE_RATE"),
    ("新客戶獲取成本", "CAC"),
    ("轉換率", "CONVERSION_RATE"),
    ("نرخ ريزش مشتري", "CHURN_RATE"),  # as an Arabic keyboard has it
    ("هزینه جذب مشتری", "CAC"),
    ("میانگین سبد خرید", "AOV"),
)


@pytest.mark.parametrize(("query", "name"), QUERIES)
def test_the_best_comes_first(query: str, name: str) -> None:
    assert search(query)[0].name == name


def test_words_of_the_help_and_of_the_formula_find_too() -> None:
    assert "CLV_FORECAST" in [metric.name for metric in search("Pareto/NBD")]
    assert "NPS_ERROR" in [metric.name for metric in search("margin of error")]
    assert {"ATTRIBUTION", "TOUCH_PATHS"} <= {metric.name for metric in search("UTM")}
    assert search("quokka") == search("") == []


def test_no_name_is_of_two_functions() -> None:
    """Or nobody could tell which of them was meant."""
    for language in KNOWN:
        known: dict[str, str] = {}
        for metric in METRICS.values():
            for name in entry(metric, language).names:
                assert known.setdefault(name, metric.name) == metric.name, (language, name)


@pytest.mark.parametrize(
    ("language", "foreign"),
    [("zh-Hans", hanzidentifier.TRADITIONAL), ("zh-Hant", hanzidentifier.SIMPLIFIED)],
)
def test_chinese_names_are_in_one_script(language: str, foreign: int) -> None:
    for said in other_names().values():
        for name in said.get(language, ()):
            assert hanzidentifier.identify(name) not in (foreign, hanzidentifier.MIXED), name


def test_other_names_are_of_functions_and_languages_that_there_are() -> None:
    assert set(other_names()) <= set(METRICS)
    assert set().union(*other_names().values()) <= {*KNOWN, "same", "about"}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("LTV", "; did you mean CLV?"),
        ("COST_PER_LEAD", "; did you mean CPL?"),
        ("CACC", "; did you mean CAC?"),
        ("RAOS", "; did you mean ROAS?"),
        ("BOUNCE", "; did you mean BOUNCE_RATE?"),
        ("AVG_POSITON", "; did you mean AVG_POSITION?"),
        ("CHURNRATE", "; did you mean CHURN_RATE?"),
        ("UTM", "; see CHANNEL_MIX, ATTRIBUTION, ORDER_SEGMENTS, TOUCH_PATHS, TRAFFIC_SHARE"),
        # Figures that have names of their own and are not here: no other one of a similar name.
        *((name, "") for name in "ROS GMROI CPV DAU MAU TAM RPM PQL_RATE COST_PER_PQL".split()),
        *((name, "") for name in "SHARE_OF_WALLET RENEWAL_RATE ACTIVATION_RATE EXIT_RATE".split()),
    ],
)
def test_a_wrong_suggestion_is_worse_than_none(typed: str, said: str) -> None:
    assert meant(typed) == said


def test_no_well_known_name_is_taken_for_a_slip() -> None:
    for name in METRICS:
        assert [metric.name for metric in called(name)] == [name]


def test_cells_know_other_names() -> None:
    listed = evaluate(METRICS["KPI_LIST"], ["LTV:CAC"])
    assert isinstance(listed, list)
    assert listed[1][0] == "CLV_CAC"
    ltv = evaluate(METRICS["KPI_DEFINE"], ["ltv"])
    assert str(ltv).startswith("CLV: Customer lifetime value")
    assert "see MRR_MOVEMENTS" in evaluate(METRICS["KPI_DEFINE"], ["MRR"]).sentence  # type: ignore[union-attr]


def test_excel_searches_other_names_in_its_wizard() -> None:
    assert one_line(METRICS["AOV"]).endswith("Also called: ATV; ABV; average basket; average"
                                             " basket value; average ticket.")  # fmt: skip
    assert "又称：LTV" in one_line(METRICS["CLV"], "zh-Hans")


def test_the_terminal_finds(capsys: pytest.CaptureFixture[str]) -> None:
    cli.functions(words=["LTV"])
    page = capsys.readouterr().out
    assert page.startswith("=CLV(")
    assert "Also called: LTV; CLTV" in page
    cli.functions(words=["cost", "per", "lead"], as_json=True)
    assert '"name": "CPL"' in capsys.readouterr().out
    cli.functions(words=["MRR"])
    listed = capsys.readouterr().out
    assert "MRR_MOVEMENTS" in listed
    assert "5 functions" in listed
    with pytest.raises(Misuse, match=r'no function "GMROI"$'):
        cli.functions(words=["GMROI"])


def test_the_rank_is_by_what_a_function_is_called() -> None:
    churn = entry(METRICS["CHURN_RATE"], "en")
    assert rank(churn, plain("churn")) == 5
    assert rank(churn, plain("customer churn r")) == 4 or rank(churn, plain("churn rates")) == 3
    assert rank(churn, plain("customers lost")) == 1
