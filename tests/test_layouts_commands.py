"""kpi-xl layouts: the list, what a file is taken for, layouts of a user's own; and their errors."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from kpi_xl import cli
from kpi_xl.exports import known_layouts
from kpi_xl.reports import folders

FILES = Path(__file__).parent / "exports"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """The command line in this process, with settings of its own, in an empty folder."""
    monkeypatch.setattr(folders, "settings_file", lambda: tmp_path / "settings" / "settings.toml")
    monkeypatch.chdir(tmp_path)

    def called(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["kpi-xl", "layouts", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        shown = capsys.readouterr()
        return int(ended.value.code or 0), shown.out, shown.err

    return called


def one_line(text: str) -> str:
    return " ".join(text.split())


OURS = "Wann;Kunde;Summe;Status\n31.01.2024;Ann;1.204,50;ok\n01.02.2024;Bob;5,00;weg\n"
LEARNED = ("learn", "shop.csv", "--table", "Orders", "--map", "Wann=date", "--map",
           "Kunde=customer", "--map", "Summe=amount", "--dates", "dmy", "--numbers", "1.234,5",
           "--where", "Status=ok", "--currency", "EUR", "--name", "Our shop")  # fmt: skip


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.csv"
    path.write_text(OURS, encoding="utf-8")
    return path


def test_the_list_has_every_layout(run: Run) -> None:
    code, out, _ = run("--json")
    assert code == 0
    there = json.loads(out)
    assert [one["name"] for one in there] == [one.name for one in known_layouts()]
    refused = [one["name"] for one in there if one["refused"]]
    code, out, _ = run()
    assert code == 0
    assert re.search("Shopify, orders .* Orders ", out)
    assert len(re.findall(" refused ", out)) == len(refused) > 0
    assert "refused: kpi-xl layouts show FILE says why" in out


def test_a_file_is_told_for_each_template_that_it_can_fill(run: Run) -> None:
    code, out, _ = run("show", str(FILES / "shopify_orders.csv"))
    assert code == 0
    assert "kpi-xl fill retention" in out
    assert "kpi-xl fill scorecard" in out
    assert "1 order voided (200.00)" in out
    code, out, _ = run("show", str(FILES / "shopify_orders.csv"), "--json", "--lang", "zh-Hans")
    (orders, _economics, _months) = json.loads(out)
    assert (orders["table"], orders["rows"]) == ("Orders", 3)
    assert "1 个订单：voided（200.00）" in orders["remarks"][2]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("show", "none.csv"), "none.csv cannot be read: No such file"),
        (("show", "."), "is a folder"),
        (("show", "shop.csv"), "nobody knows shop.csv; kpi-xl layouts learn shop.csv makes it"),
        (("show", "shop.csv", "--dates", "ydm"),
         "--dates ydm: it is one of dmy, mdy, ymd, jalali, minguo, buddhist"),
        (("show", "shop.csv", "--header", "0"), "--header 0: give the number of the row"),
        (("show", "shop.csv", "--map", "Wann"), '--map Wann: write "Their name=ours"'),
        (("show", str(FILES / "amazon_date_range.csv")), "was recognised as Amazon"),
        (("shwo",), "Did you mean 'show'?"),
        (("learn", "none.csv"), "none.csv"),
        (("learn", "shop.csv", "--table", "Order"), "--table Order: it is one of"),
        (("learn", "shop.csv"), "--table NAME: it is one of"),
        (("learn", "shop.csv", "--table", "Orders"), "needs its customer, date; row 1 has Wann"),
        (("learn", "shop.csv", "--table", "Orders", "--map", "Wan=date"),
         'the file has no column "Wan"; did you mean Wann?'),
        (("learn", "shop.csv", "--table", "Orders", "--map", "Wann=dat"),
         "Orders has no column dat; did you mean date?"),
        (("learn", "shop.csv", "--table", "Orders", "--encoding", "cp99"), "cp99 is not known"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(words: tuple[str, ...], told: str, run: Run, shop: Path) -> None:
    code, _, err = run(*words)
    assert code == 2
    assert told in one_line(err)


def test_a_layout_is_learnt_from_options_and_then_known(run: Run, shop: Path) -> None:
    code, out, err = run(*LEARNED)
    assert (code, err) == (0, "")
    assert "Our_shop.toml says what such files are" in one_line(out)
    code, out, _ = run("show", "shop.csv")
    assert code == 0
    assert "Our shop, 2024-01-31 to 2024-01-31, EUR" in out
    assert "1 row with another" not in out
    assert "1 order with status weg (5.00)" in out
    assert "Our shop (your own)" in run()[1]
    code, _, err = run(*LEARNED)
    assert code == 2
    assert "is already there; --force overwrites it" in one_line(err)
    assert run(*LEARNED, "--force")[0] == 0


def test_a_layout_is_learnt_from_a_dialogue(
    run: Run, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {"Table": "Orders", "customer": "2", "date": "1", "amount": "3"}

    def asked(question: str, **options: object) -> str:
        return answers.get(question.split(" (")[0], "")

    monkeypatch.setattr(typer, "prompt", asked)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    code, out, _ = run("learn", "shop.csv", "--dates", "dmy", "--numbers", "1.234,5")
    assert code == 0
    assert "header of shop.csv is taken to stand in row 1" in out
    code, out, _ = run("show", "shop.csv", "--json")
    assert code == 0
    assert json.loads(out)[0]["rows"] == 2


WRONG = """
name = "Mine"
vendor = "Me"
table = "Orders"
once = "ordr"
amount = "totl - refund"
encoding = "cp99"
stages = {won = "won_dat"}
[[header]]
columns.customer = "Who"
columns.dat = "When"
"""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (WRONG, ["Orders has no column dat; did you mean date?", "once is ordr",
                 "amount is made of totl, refund", 'the stage "won" is the date won_dat',
                 "no encoding cp99"]),
        (WRONG.replace('"Orders"', '"Order"'), ['no table "Order"; did you mean Orders?']),
        ("name = 1", ["needs name", "needs vendor", "needs table", "needs a [[header]]"]),
        ("name =", ["is not TOML"]),
        ('name = "x"\nvendor = "x"\ntable = "Orders"\nunconfirmed = "yes"\nfooter = "("\n'
         "[[header]]\ncolumns = 3",
         ["unconfirmed is true or false", "footer is no regular expression",
                         "a [[header]] needs columns"]),
        ('name = "x"\nvendor = "x"\ntable = "Orders"\nnumbers = "1.2.3"\n'
         '[[header]]\nnumbers = "abc"\ncolumns = {date = "Day"}',
         ['the layout "x": numbers is one of 1,234.5; 1.234,5', 'is one of 1,234.5']),
    ],
)  # fmt: skip
def test_every_fault_of_a_users_layout_is_a_sentence(
    text: str, told: list[str], run: Run, shop: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "settings" / "layouts"
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text(text, encoding="utf-8")
    for words in ((), ("show", "shop.csv")):
        code, _, err = run(*words)
        assert code == 2
        assert "mine.toml" in err
        assert [one for one in told if one not in one_line(err)] == []
