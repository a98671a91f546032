"""Every language says all that English says, in its own script, words and lengths."""

import ast
import csv
import json
import pickle
import re
import string
import tomllib
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import hanzidentifier
import pytest
import translations
from translations import TRANSLATIONS, fingerprint, help_texts, lacking, parts, with_stubs

from kpi_xl import METRICS, reference, reports, udfs
from kpi_xl.cells import evaluate
from kpi_xl.cli import formulas
from kpi_xl.cli import functions as cli
from kpi_xl.cli.shared import Misuse
from kpi_xl.errors import CellError, OutOfDomain, WrongInput
from kpi_xl.hosts.libreoffice.blocks import NO_ROOM
from kpi_xl.locales import LANGUAGES, chosen, in_language, say, texts
from kpi_xl.metrics import goals
from kpi_xl.metrics.goals import kpi_change_text
from kpi_xl.reference import (
    LONGEST_HELP,
    argument_help,
    caution,
    definition,
    domain_text,
    notes,
    one_line,
    summary,
)
from kpi_xl.reports import checking
from kpi_xl.reports.explaining import explained
from kpi_xl.units import Domain

SECTIONS = ("phrases", "messages", "units", "families", "arguments", "columns", "cautions")

GLOSSARY = Path(__file__).with_name("glossary.csv")
"""The words of marketers, each with the one that every text in a language uses for it."""

each_language = pytest.mark.parametrize("language", TRANSLATIONS)


def pairs(language: str) -> Iterator[tuple[str, str]]:
    """Every English text of the functions' help, with its translation, as far as there is one."""
    for section in SECTIONS:
        yield from (pair for pair in texts(language)[section].items() if pair[1])
    for name, phrase in texts(language)["functions"].items():
        for part in parts(METRICS[name]):
            if phrase[part]:
                yield getattr(METRICS[name], part), phrase[part]


# Complete


def test_every_text_is_translated() -> None:
    """The one test that tells of a new text."""
    missing = [text for language in TRANSLATIONS for text in lacking(language)]
    again = "python tests/generated.py writes an empty text for each of these: translate it"
    assert missing == [], again


PASSED_ON = ("text", "template", "sentence", "self.template", "self.args[0]", "error.sentence")
"""What is handed on as it came, and `text`, whose lines before are looked at."""


def test_every_sentence_that_is_told_is_one_that_languages_have() -> None:
    """Refusals take only a `Message` (mypy); each is made of a constant, which `told` finds."""
    for path, tree in translations.trees():
        for call in ast.walk(tree):
            if not isinstance(call, ast.Call) or (place := translations.place_of(call)) is None:
                continue
            given = call.args[place]
            put_together = isinstance(given, ast.JoinedStr | ast.BinOp) or any(
                call in ast.unparse(given) for call in ("str(", ".format(")
            )
            fits = translations.constants(given, path) or ast.unparse(given) in PASSED_ON
            if ast.unparse(call.func) != "Message":  # which may get one that was made before
                fits = fits or not put_together
            assert fits or path.name in IN_ENGLISH, f"{path.name}:{call.lineno}"


IN_ENGLISH = {
    "python_api.py": "exceptions of Python's are in English, as Python's own",
    "office.py": "answers to requests of the add-in, which only programs read",
    "serving.py": "the same, and settings of whoever runs the server",
    "workers.py": "the same: why a request was ended",
    "addin.py": "what `kpi-xl install` says to an administrator, with menus and folders of Excel",
    "extension.py": "the same of LibreOffice",
    "doctor.py": "the same of what is in the way",
    "lite.py": "comments within code that is to be copied",
    "libreoffice_component.py": "the log of LibreOffice",
}
"""Modules whose sentences are told in English alone, and why."""

PROGRAMMERS = {
    *("AttributeError", "KeyError", "LookupError", "RuntimeError", "TypeError", "ValueError"),
    *("UnpicklingError", "BadZipFile"),
}
"""Exceptions that are caught within the program, or tell of a fault in it."""


def test_nothing_is_told_in_english_alone() -> None:
    """Neither raised nor printed: a new sentence is a `Message`, or has its reason above."""
    found = {(path.name, by) for path, _, by in translations.english_alone()}
    told = {(name, by) for name, by in found if by not in PROGRAMMERS}
    assert {pair for pair in told if pair[0] not in IN_ENGLISH} == set()
    assert {name for name, _ in found} >= IN_ENGLISH.keys() - {"python_api.py"}


def test_what_is_told_in_english_alone_is_found() -> None:
    told = """
print("There is nothing here")
raise Misuse(f"{name} is not there")
raise Misuse("one two" if here else other)
console.print(f"{number} of {all} formulas")
raise OSError(2, "no such folder", path)
print(said(Message("There is nothing here")))
raise NotEnoughData("there is nothing here")
print("kpi-xl", "#N/A", 3)
"""
    found = [line for line, _ in translations.english_in(ast.parse(told))]
    assert sorted(found) == [2, 3, 4, 5, 6]


@each_language
def test_a_new_text_gets_an_empty_one_beside_its_neighbour(
    language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = (translations.FOLDER / f"{language}.toml").read_text(encoding="utf-8")
    assert with_stubs(language) == content
    arguments = METRICS["CAC"].arguments
    helped = replace(arguments[0].arg, help="A new text")
    changed = replace(METRICS["CAC"], arguments=(replace(arguments[0], arg=helped), arguments[1]))
    monkeypatch.setitem(METRICS, "CAC", changed)
    place = f'{language}.toml: [arguments] "A new text"'
    assert list(lacking(language)) == [place]
    new = with_stubs(language)
    assert tomllib.loads(new)["arguments"].pop("A new text") == ""
    assert new.replace('"A new text" = ""\n', "") == content


@each_language
def test_no_text_is_left_over(language: str) -> None:
    file = texts(language)
    assert set(file) == {"words", "pane", "ribbon", "functions", *SECTIONS}
    for section, phrase in help_texts().items():
        assert set(file[section]) <= set(phrase), section
    assert set(file["functions"]) <= set(METRICS)
    for name, function in file["functions"].items():
        assert set(function) <= {"english", *parts(METRICS[name])}


@each_language
def test_no_translation_is_older_than_its_english(language: str) -> None:
    """A summary or notes that changed are translated anew; then their fingerprint is entered."""
    entered = {name: text["english"] for name, text in texts(language)["functions"].items()}
    assert entered == {name: fingerprint(METRICS[name]) for name in entered}


@each_language
def test_the_phrases_are_those_that_the_help_is_made_of(
    language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = set()

    def noted(text: str, language: str, section: str = "words") -> str:
        if section == "phrases":
            asked.add(text)
        return say(text, language, section)

    monkeypatch.setattr(reference, "say", noted)
    monkeypatch.setattr(cli, "say", noted)
    monkeypatch.setattr(goals, "say", noted)
    for current, previous in ((3, 2), (2, 3), (2, 2), (2, -2), (-2, 2)):
        for direction in ("higher", "lower"):
            kpi_change_text("CAC", current, previous, direction, language)
    for metric in METRICS.values():
        definition(metric, language)
        one_line(metric, language)
        cli.record(metric, language)
        for argument in metric.arguments:
            argument_help(argument, language)
    domain_text(Domain(whole=True), language)
    cli.print_list([METRICS["CAC"]], language)
    cli.print_page(METRICS["FUNNEL"], language)
    assert set(texts(language)["phrases"]) == asked | phrases_of_reports()


def is_phrase(call: ast.Call) -> bool:
    """Whether it is a call of `phrase`, or of a method of that name."""
    return ast.unparse(call.func).rpartition(".")[2] == "phrase"


def phrases_of_reports() -> set[str]:
    """The English texts that the code of the reports passes to `phrase`, and those in constants."""
    found = {*checking.KINDS, NO_ROOM}
    menu_of_calc = Path(udfs.__file__).parent / "libreoffice.py"
    for path in (*Path(reports.__file__).parent.glob("*.py"), menu_of_calc):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and is_phrase(node):
                text = node.args[0]
                if isinstance(text, ast.Constant):
                    found.add(str(text.value))
                else:
                    assert ast.unparse(text) in ("kind", "text"), ast.unparse(node)
    return found


@each_language
def test_nothing_is_empty_or_left_in_english(language: str) -> None:
    for english, text in pairs(language):
        if re.search("[a-z]", re.sub("{[a-z]+}", "", english)):
            assert text.strip() == text != english


# The same content


def fields(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text)} - {None}


@each_language
def test_placeholders_are_kept(language: str) -> None:
    for section in ("phrases", "messages"):
        for english, text in texts(language)[section].items():
            assert fields(text) == fields(english)


NAMES = re.compile(
    r"#[A-Z]+(?:/[A0])?[!?]?"  # errors
    r"|\b[a-z]+(?:_[a-z]+)+\b"  # arguments and option words
    r"|`[a-z_]+`"
    r'|"[a-z_](?:[a-z_ >]*[a-z_])?"|"[A-Z0-9]"'
    r"|\b[A-Z][A-Z0-9_]+\b"
)


@each_language
def test_names_errors_and_option_words_are_kept(language: str) -> None:
    for english, text in pairs(language):
        lost = [name for name in NAMES.findall(english) if name.strip("`") not in text]
        assert lost == [], text


def numbers(text: str) -> set[str]:
    """The numbers in a text; 0,05 and 1 030 are Russian for 0.05 and 1,030."""
    text = re.sub(r"(?<=\d)[\u00a0,](?=\d{3}\b)", "", text)
    text = re.sub(r"(?<=\d),(?=\d)", ".", text)
    return {number.rstrip(".") for number in re.findall(r"\d[\d.]*", text)}


@each_language
def test_numbers_are_kept(language: str) -> None:
    for english, text in pairs(language):
        assert numbers(text) == numbers(english), text


@each_language
def test_numbers_are_written_as_the_language_does(language: str) -> None:
    confidence = METRICS["NPS_ERROR"].arguments[3]
    shown = argument_help(confidence, language)
    assert ("0,95" if language == "ru" else "0.95") in shown
    assert not re.search(r"[۰-۹٠-٩]", shown)


# Excel's limit, and sentences


@each_language
def test_help_fits_into_excel(language: str) -> None:
    for metric in METRICS.values():
        assert len(one_line(metric, language)) <= LONGEST_HELP
        for argument in metric.arguments:
            assert len(argument_help(argument, language)) <= LONGEST_HELP, argument.name


@each_language
def test_sentences_end_and_pieces_do_not(language: str) -> None:
    stop = "。" if language.startswith("zh") else "."
    for metric in METRICS.values():
        phrase = summary(metric, language), notes(metric, language), caution(metric, language)
        for text in filter(None, phrase):
            assert text.removesuffix("\u2069").endswith(stop), text
    for section in ("units", "families", "arguments", "columns"):
        for text in texts(language)[section].values():
            assert not text.removesuffix(" ...").endswith((stop, *":：;；")), text


# Scripts


@pytest.mark.parametrize(
    ("language", "foreign"),
    [("zh-Hans", hanzidentifier.TRADITIONAL), ("zh-Hant", hanzidentifier.SIMPLIFIED)],
)
def test_chinese_is_in_one_script(language: str, foreign: int) -> None:
    for _, text in pairs(language):
        assert hanzidentifier.identify(text) not in (foreign, hanzidentifier.MIXED), text


@pytest.mark.parametrize("language", ["zh-Hans", "zh-Hant"])
def test_chinese_is_set_apart_from_latin_and_punctuated_in_full_width(language: str) -> None:
    for _, text in pairs(language):
        assert not re.search(r"[\u4e00-\u9fff][A-Za-z0-9]|[A-Za-z0-9%][\u4e00-\u9fff]", text), text
        assert not re.search(r"[\u4e00-\u9fff][,;:!?.()]|[,;:!?()][\u4e00-\u9fff]", text), text


def test_no_russian_word_mixes_scripts() -> None:
    for _, text in pairs("ru"):
        assert not re.search(r"[а-яё][a-z]|[a-z][а-яё]", text, re.IGNORECASE), text


def test_persian_is_spelt_as_persian() -> None:
    arabic = re.compile("[يكىةۀ٠-٩]")
    suffix_or_prefix_apart = re.compile(r"(?:^|\s)(?:ها|های|هایی|تر|ترین|می|نمی)(?=\s|$)")
    for _, text in pairs("fa"):
        assert not arabic.search(text), text
        assert not suffix_or_prefix_apart.search(text), text
        assert not re.search(r"\u200c(?:\W|$)|(?:^|\s)\u200c", text), text
        assert not re.search(r"[آ-ی]\s*[,;?]", text), text


def test_a_persian_paragraph_begins_from_the_right() -> None:
    """Programs lay out a paragraph by its first strong character."""
    for metric in METRICS.values():
        for text in (one_line(metric, "fa"), definition(metric, "fa"), notes(metric, "fa")):
            letters = (unicodedata.bidirectional(character) for character in text)
            assert next((kind for kind in letters if kind in ("L", "R", "AL")), "AL") == "AL", text


@each_language
def test_only_persian_isolates_latin_text(language: str) -> None:
    for _, text in pairs(language):
        if language != "fa":
            assert not re.search("[\u2066-\u2069\u200e\u200f]", text), text
            continue
        outside = re.sub("\u2068[^\u2068\u2069]+\u2069", "", text)
        assert not re.search("[\u2066-\u2069\u200e\u200f]", outside), text
        # An error, a sum or a negative number would be shown in the wrong order.
        latin = "".join(c if c.isascii() else "\n" for c in outside)
        assert not re.search(r"#[A-Z]|\w [-+*/=<>] \w|(?<!\w)-\d", latin), text


def test_dates_and_periods_stand_apart_in_persian() -> None:
    """After a Persian letter the parts of 2024-01-31 would be shown in reverse."""
    dated = re.compile(r"\{(?:from|until|before|end|start|day|next|month)\}")
    for section in ("words", "messages"):
        for text in texts("fa")[section].values():
            assert not dated.search(re.sub("\u2068[^\u2068\u2069]+\u2069", "", text)), text


# The glossary


def stems(term: str, language: str) -> list[str]:
    """What must occur in a text that uses a term; Russian and Persian words take endings."""
    if language.startswith("zh"):
        return [term.lower()]
    ending = {"ru": 3, "fa": 0}[language]
    return [word[: max(3, len(word) - ending)].lower() for word in re.findall(r"[\w\u200c]+", term)]


@each_language
def test_the_words_are_those_of_the_glossary(language: str) -> None:
    with GLOSSARY.open(encoding="utf-8", newline="") as file:
        glossary = list(csv.DictReader(file))
    met = set()
    known = [*((m.summary, summary(m, language)) for m in METRICS.values())]
    for english, text in [*known, *texts(language)["arguments"].items()]:
        for term in glossary if text else ():
            if re.search(rf"\b{re.escape(term['English'])}s?\b", english, re.IGNORECASE):
                met.add(term["English"])
                for stem in stems(term[language], language):
                    assert stem in text.lower(), (english, text)
    assert len(met) > 30


@each_language
@pytest.mark.parametrize("english", ["Cohort", "Expansion", "Contraction", "Reactivation"])
def test_sheets_use_one_term_for_it(language: str, english: str) -> None:
    with GLOSSARY.open(encoding="utf-8", newline="") as file:
        (term,) = (row[language] for row in csv.DictReader(file) if row["English"] == english)
    for said, text in texts(language)["words"].items():
        if re.search(rf"\b{english}s?\b(?!\()", said, re.IGNORECASE):
            for stem in stems(term, language):
                assert stem in text.lower(), (said, text)


# Where they are shown


def test_a_definition_in_the_cell_is_in_any_language() -> None:
    cac = METRICS["CAC"]
    for language in LANGUAGES:
        shown = evaluate(METRICS["KPI_DEFINE"], ["cac", language.upper()])
        assert shown == definition(cac, language)
        assert cac.formula in shown
    assert definition(cac, "zh-Hans").startswith("CAC：获客成本：")
    assert definition(cac, "zh-Hant").startswith("CAC：新客戶獲取成本：")
    assert definition(cac, "ru").startswith("CAC: Стоимость привлечения клиента: ")
    assert definition(cac, "fa").startswith("تابع \u2068CAC\u2069: هزینه جذب مشتری: ")


def test_domains_in_words() -> None:
    bounded = Domain(0.0, 0.5, open_low=True)
    assert domain_text(bounded) == "above 0 and at most 0.5"
    assert domain_text(bounded, "zh-Hans") == "大于 0 且不大于 0.5"
    assert domain_text(bounded, "ru") == "больше 0 и не больше 0,5"
    whole = Domain(0.0, 10.0, whole=True)
    assert domain_text(whole) == "a whole number at least 0 and at most 10"
    assert domain_text(whole, "zh-Hant") == "整數，不小於 0 且不大於 10"
    assert domain_text(whole, "fa") == "عدد صحیح، دست‌کم 0 و حداکثر 10"
    assert domain_text(Domain(), "ru") == "любое число"
    assert domain_text(Domain(whole=True), "ru") == "целое число"


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("zh-TW", "zh-Hant"),
        ("zh_HK.UTF-8", "zh-Hant"),
        ("zh", "zh-Hans"),
        ("ZH-HANT", "zh-Hant"),
        ("Chinese (Traditional)_Taiwan.950", "zh-Hant"),
        ("Russian_Russia", "ru"),
        ("fa_IR", "fa"),
        ("en-GB", "en"),
    ],
)
def test_a_tag_means_a_language(tag: str, language: str) -> None:
    assert chosen(tag) == language


@pytest.mark.parametrize("tag", ["de", "", "C"])
def test_another_language_is_refused(tag: str) -> None:
    with pytest.raises(LookupError, match="zh-Hans"):
        chosen(tag)


def test_the_terminal_shows_a_language(capsys: pytest.CaptureFixture[str]) -> None:
    cli.functions(words=["funnel"], lang="ru")
    page = " ".join(capsys.readouterr().out.split())
    assert summary(METRICS["FUNNEL"], "ru") in page
    assert "Аргументы" in page
    assert "step rate = count / previous count" in page
    cli.functions(family="вероятностные модели", lang="ru")
    assert "SBG_FIT" in capsys.readouterr().out
    cli.functions(words=["clv"], lang="zh-TW", as_json=True)
    (clv,) = json.loads(capsys.readouterr().out)
    assert clv["summary"] == summary(METRICS["CLV"], "zh-Hant")
    assert clv["formula"] == METRICS["CLV"].formula
    assert clv["arguments"][0]["help"] == "平均訂單價值"
    with pytest.raises(Misuse, match="zh-Hans"):
        cli.functions(lang="xx")


def test_the_terminal_is_english_unless_asked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "ru_RU.UTF-8")
    cli.functions(words=["CAC"])
    assert "Arguments" in capsys.readouterr().out


# Refusals, said when they are read


@each_language
def test_every_refusal_of_a_cell_can_be_said(language: str) -> None:
    """Blanks, texts, errors and numbers out of bounds in every argument of every function."""
    for metric in METRICS.values():
        for cell in (None, "x", "#N/A", -1e300, 1e300, 0.5, [[1.0, "x"], [None, -1.0]]):
            shown = evaluate(metric, [cell] * len(metric.arguments))
            if isinstance(shown, CellError):
                copy = pickle.loads(pickle.dumps(shown))
                sentence = in_language(copy.sentence, language)
                assert in_language(shown.sentence, language) == sentence
                assert sentence != str(shown.sentence)
                assert in_language(copy.sentence, "en") == str(shown.sentence)


def test_a_refusal_is_said_in_the_reader_s_language(capsys: pytest.CaptureFixture[str]) -> None:
    assert formulas.evaluate("=CAC(1,0)", lang="ru") == 1
    assert "new_customers — 0 или пусто" in capsys.readouterr().err
    assert formulas.evaluate('=CAC("a",-1)', lang="zh-Hant") == 1
    assert capsys.readouterr().err == 'CAC：spend：是文字 "a"，不是數值\n'
    with pytest.raises(Misuse, match="NOSUCH: это не функция KPI"):
        formulas.evaluate("=NOSUCH(1)", lang="ru")
    explained_cell = explained("=CAC(2,-1.5)", lambda _: 0.0, "ru")
    assert "#NUM!: new_customers: -1,5, а нужно больше 0" in explained_cell


def test_what_a_user_s_own_function_raises_is_told_as_it_is() -> None:
    error = WrongInput("my own {words}").in_english()
    assert in_language(error.shown().sentence, "fa") == str(error) == "my own {words}"
    assert str(WrongInput("my own {words}")) == "my own {words}"
    assert str(pickle.loads(pickle.dumps(OutOfDomain("{name} is below 0", name="a")))) == (
        "a is below 0"
    )
