"""Whether a text that was decoded from an encoding before Unicode is as people write.

A wrong encoding gives words of several alphabets and cases, or characters that hardly anybody
uses. For the few words of a header, that tells more than the statistics of detectors do.
"""

import re
from collections.abc import Callable, Iterable

TYPOGRAPHY = frozenset(
    "\u00a0\u00ab\u00bb\u2013\u2014\u2018\u2019\u201c\u201d\u201e\u2026\u2116\u20ac"
    "\u3001\u3002\u300c\u300d\u3010\u3011\u060c\u061b\u061f\u200c\u200f"
    "\u00a9\u00ae\u2122\u00b0"
)
"""Marks that texts of any language have."""

UPPER = "[А-ЯЁЄІЇҐЎ]"  # Russian, Ukrainian, Belarusian
LOWER = "[а-яёєіїґў]"
LETTER = r"[^\W\d_]"
CYRILLIC_WORD = re.compile(rf"(?<!{LETTER})(?:{UPPER}?{LOWER}+|{UPPER}+)(?!{LETTER})")
LATIN_WORD = re.compile(rf"{LETTER}+")
ARABIC_IN_LATIN = re.compile(r"(?<=[A-Za-z])[ء-ے]+|[ء-ے]+(?=[A-Za-z])")

ALPHABETS = {
    "cp1252": (
        "äöüßé",  # German
        "àâæçéèêëîïôœùûüÿ",  # French
        "áéíñóúü¡¿",  # Spanish
        "àèéìòù",  # Italian
        "ãáâàçéêíõóôú",  # Portuguese
        "åäöé",  # Swedish, Finnish
        "æøåé",  # Danish, Norwegian
    ),
    "cp1250": (
        "ąćęłńóśźż",  # Polish
        "áčďéěíňóřšťúůýž",  # Czech
        "áäčďéíĺľňóôŕšťúýž",  # Slovak
        "áéíóöőúüű",  # Hungarian
        "ăâîşţ",  # Romanian
        "čćđšž",  # Croatian, Slovene
    ),
}
"""The letters beyond ASCII of each language that is written in an encoding."""

FREQUENT_SYLLABLES = frozenset(
    "이가다는의을를에고하지로기사리자대시인도서한정아나라수보구해"
    "일어과주전부스상원조성관영유게만공으장제중유안법용품년월날짜비매출"
    "고객주문금액광베페인캠노출클릭전환채널검색결제상태번호이름회원상품수량"
)
"""Syllables of everyday Korean and of its shops and advertising."""


def well_read(sample: bytes, encoding: str) -> str:
    """The text of some bytes, if it is as people write; else none."""
    try:
        text = sample.decode(encoding)
    except UnicodeDecodeError:
        return ""
    foreign = [char for char in text if not char.isascii() and char not in TYPOGRAPHY]
    if not foreign:
        return ""  # marks alone tell nothing
    if encoding not in ("gb18030", "cp1251") and _little(text, foreign):
        return ""
    return text if READS[encoding](text, foreign) else ""


def mostly_latin(sample: bytes) -> list[str]:
    """The encodings in which nearly all is of one Latin alphabet, as but for somebody's name.

    Several, if as much is in them.
    """
    shares: dict[str, float] = {}
    for encoding, alphabets in ALPHABETS.items():
        try:
            text = sample.decode(encoding)
        except UnicodeDecodeError:
            continue
        foreign = [char.lower() for char in _beyond_ascii(text)]
        if foreign and not _little(text, foreign) and _is_latin(text):
            shares[encoding] = max(_share(set(one).__contains__, foreign) for one in alphabets)
    best = max(shares.values(), default=0.0)
    return [encoding for encoding, share in shares.items() if share == best >= NEARLY]


NEARLY = 0.98
"""The share of letters that makes a text one of a language, where it has names of others."""


def _little(text: str, foreign: list[str]) -> bool:
    """Whether so little is foreign that another encoding of the kind could give words as well."""
    words = {word for word in LATIN_WORD.findall(text) if not word.isascii()}
    return len(words) < 3 and len(set(foreign)) < 6


def _share(fits: Callable[[str], bool], chars: Iterable[str]) -> float:
    chars = list(chars)
    return sum(map(fits, chars)) / len(chars)


def _chinese(text: str, foreign: list[str]) -> bool:
    # GB2312's first level, its 3,755 common characters, ends before the byte D8.
    common = _share(lambda char: b"\xa1" <= char.encode("gb2312", "replace") < b"\xd8", foreign)
    return common >= 0.9 and not _is_korean(text, "gb18030")


def _is_korean(text: str, encoding: str) -> bool:
    """Whether Chinese that was read is Korean: its syllables are where common characters are."""
    try:
        return _korean(other := text.encode(encoding).decode("cp949"), _beyond_ascii(other))
    except UnicodeError:
        return False


def _beyond_ascii(text: str) -> list[str]:
    return [char for char in text if not char.isascii() and char not in TYPOGRAPHY]


def _korean(text: str, foreign: list[str]) -> bool:
    hangul = [char for char in foreign if "가" <= char <= "힣"]
    if len(hangul) < 0.98 * len(foreign) or not hangul:
        return False
    return _share(FREQUENT_SYLLABLES.__contains__, hangul) >= 0.4


def _traditional(text: str, foreign: list[str]) -> bool:
    # The 5,401 frequent characters of Big5 end with C67E.
    def frequent(char: str) -> bool:
        code = char.encode("big5", "replace")
        return b"\xa1\x40" <= code <= b"\xc6\x7e" and len(code) == 2

    return _share(frequent, foreign) >= 0.9 and not _is_korean(text, "big5")


def _japanese(text: str, foreign: list[str]) -> bool:
    kana = _share(lambda char: "ぁ" <= char <= "ヾ", foreign)
    # JIS X 0208's first level ends with the byte 98 of Shift-JIS.
    common = _share(lambda char: b"\x81" <= char.encode("shift_jis", "replace") < b"\x99", foreign)
    half = _share(lambda char: "｡" <= char <= "ﾟ", foreign)
    return kana >= 0.2 and common >= 0.9 and half < 0.1


def _cyrillic(text: str, foreign: list[str]) -> bool:
    words = CYRILLIC_WORD.findall(text)
    return bool(words) and sum(map(len, words)) >= 0.9 * len(foreign)


def _arabic(text: str, foreign: list[str]) -> bool:
    if 20 * sum(map(len, ARABIC_IN_LATIN.findall(text))) > len(foreign):
        return False  # N\u0652mero: letters with accents of a Latin word
    return _share(lambda char: "ء" <= char <= "ے", foreign) >= 0.95


def _latin(encoding: str) -> Callable[[str, list[str]], bool]:
    def reads(text: str, foreign: list[str]) -> bool:
        letters = {char.lower() for char in foreign}
        if not any(letters <= set(alphabet) for alphabet in ALPHABETS[encoding]):
            return False
        return _is_latin(text)

    return reads


def _is_latin(text: str) -> bool:
    words = [word for word in LATIN_WORD.findall(text) if not word.isascii()]
    # A word of another alphabet has letters beyond ASCII alone.
    return bool(words) and _share(str.isascii, "".join(words)) >= 0.5


READS: dict[str, Callable[[str, list[str]], bool]] = {
    "gb18030": _chinese,
    "cp1251": _cyrillic,
    "big5": _traditional,
    "cp949": _korean,
    "shift_jis": _japanese,
    "cp1252": _latin("cp1252"),
    "cp1250": _latin("cp1250"),
    "cp1256": _arabic,
}
