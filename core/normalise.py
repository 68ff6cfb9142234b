"""Pure text: tidying what people typed, folding names for comparison, and keeping spreadsheet formulas asleep."""

import os
import re
import unicodedata
from typing import Final

# Bytes of a file name that leave room for what we put around it: 255 is the most that a file system takes.
LONGEST_NAME: Final = 180
FOLD_PUNCTUATION: Final = " -'’‘`´.,·\"()/_"

# Zero-width characters, direction marks, soft hyphens and control characters. Zero-width joiners stay inside a text:
# Persian and several Indic scripts are misspelt without them.
_INVISIBLE: Final = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
)
_JOINERS: Final = "\u200c\u200d"

_FORMULA: Final = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_POSTAL: Final = re.compile(r"([ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z])[ -]?(\d[ABCEGHJ-NPRSTV-Z]\d)", re.ASCII)
_NOT_DIGIT: Final = re.compile(r"[^0-9]")

# What PostgreSQL's unaccent dictionary replaces and decomposition does not explain. Marks are dropped from Latin and
# Greek letters only: in other scripts they are part of the letter.
_MARKS: Final = frozenset([*range(0x300, 0x363), *range(0x20DD, 0x20E1), *range(0x20E2, 0x20E5)])
_BASES: Final = frozenset("abcdefghijklmnopqrstuvwxyzαβγδεζηθικλμνξοπρστυφχψω")
_LETTERS: Final = """
    a ᴀᶏⱥ  aa ꜳ  ae æᴁ  ao ꜵ  au ꜷ  av ꜹꜻ  ay ꜽ  b ƀƃɓʙᴃᵬᶀ  c ©ƈȼɕᴄꞓ  ce ₠  cr ₢  d ðđƌȡɖɗᴅᴆᵭᶁᶑꝱꝺ  db ȸ
    dz ʣʥ  e ɇɛᴇᶒᶓⱸ  f ƒᵮᶂꜰꝼ  fr ₣  g ǥɠɡɢʛᶃꞡ  h ħɦɧʜⱨ  hv ƕ  i ıƖɨɪᵻᶖ  j ȷɉɟʝᴊ  k ƙᴋᶄⱪꝁꝃꝅꞣ
    l łƚȴɫɬɭʟᴌᶅ₤ⱡꝇꝉꝲ  ll ỻ  ls ʪ  lz ʫ  m ɱᴍᵯᶆꝳ  n ŋƞȵɲɳɴᵰᶇꝴꞑꞥ  o øᴏⱺꝋꝍ  oe œɶ  oi ƣ  oo ꝏ  p ƥᴘᵱᵽᶈ℗℘ꝑꝓꝕ
    pts ₧  q ĸʠꝗꝙ  qp ȹ  r ®ɍɼɽɾʀᵲᵳᶉꝵꝶꞧ  rs ₹  rx ℞  s ȿʂᵴᶊẜẝꜱꞩ  ss ß  t ŧƫƭȶʈᴛᵵⱦꝷꞇ  th þᵺꝥꝧ  tl ₺  ts ʦ
    u ʉᴜᵾᶙ  ue ᵫ  v ʋᴠᶌỽⱱⱴꝟ  vy ꝡ  w ᴡⱳ  x ᶍ  y ƴɏʏỿ  z ƶȥɀʐʑᴢᵶᶎⱬ  е ёЁ
"""
# Capitals that the dictionary does not know although it knows their small letters.
_CAPITALS: Final = "ʀ Ʀ  ƕ Ƕ  ƞ Ƞ  ɡ Ɡ  ɬ Ɬ  ɪ Ɪ  ʝ Ʝ  ʂ Ʂ  ᶎ Ᶎ"
_SIGNS: Final = {
    "": "\xad÷ʹʺʻʼʽˈˋ˗‐‒–—―‚‛“”„‟′⁄−∕⦅⦆、。〝〞",
    "!": "¡",
    "*": "×⁎",
    "+": "±˖",
    "0": "〇",
    ":": "ː",
    "<": "˂‹〈",
    "<<": "«≪《",
    ">": "˃›〉",
    ">>": "»≫》",
    "?": "¿",
    "[": "⁅〔〘〚",
    "]": "⁆〕〙〛",
    "\\": "∖",
    "^": "˄ˆ",
    "|": "∣",
    "||": "‖∥",
}
_REPLACED: Final = {
    letter: text
    for text, letters in [*re.findall(r"(\S+) (\S+)", f"{_LETTERS}  {_CAPITALS}"), *_SIGNS.items()]
    for letter in letters
}


def looks_like_email(text: str) -> bool:
    """Somebody at some name with a dot."""
    return _EMAIL.fullmatch(text) is not None


def shortened(name: str, size: int) -> str:
    """A file name of at most `size` bytes: of a longer one the end, with what kind of file it is."""
    written = os.fsencode(name)
    return name if len(written) <= size else written[-size:].decode(errors="ignore")


def tidy(text: str) -> str:
    """One form for one text: composed letters, plain single spaces, nothing invisible, nothing at the ends."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if not text.isprintable() and _INVISIBLE.search(text):
        text = _INVISIBLE.sub("", text)
    return " ".join(text.split()).strip(_JOINERS)


def fold(text: str) -> str:
    """What two spellings of one name have in common; equal to the SQL function ccd_fold."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return text.translate(_FOLDED)


def header_key(text: str) -> str:
    """A column header without case, spaces and underscores."""
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).casefold()
    return "".join(text.replace("_", " ").split())


def digits(text: str) -> str:
    """The digits of a phone number; equal to the SQL function ccd_digits but for the empty text."""
    return _NOT_DIGIT.sub("", text)


def canadian_postal_code(text: str) -> str | None:
    """The postal code as Canada Post writes it, or None where the text is no Canadian postal code."""
    match = _POSTAL.fullmatch(text.strip().upper())
    return f"{match[1]} {match[2]}" if match else None


def is_canadian_postal_code(text: str) -> bool:
    return canadian_postal_code(text) is not None


def escape_formula(text: str) -> str:
    """The text as it may stand in a CSV or XLSX cell: a spreadsheet must not run it."""
    return f"'{text}" if _FORMULA.match(text) else text


def unescape_formula(text: str) -> str:
    """Takes the apostrophe of escape_formula away again, and no other."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


class _FoldTable(dict[int, str]):
    """A translation table that works out each character when it is first met."""

    def __missing__(self, code: int) -> str:
        self[code] = _fold_character(chr(code))
        return self[code]


def _fold_character(character: str) -> str:
    plain = _REPLACED.get(character)
    if plain is None:
        plain = "".join(_without_marks(lower) for lower in character.lower())
    return "".join(letter for letter in plain if letter not in FOLD_PUNCTUATION)


def _without_marks(letter: str) -> str:
    if ord(letter) in _MARKS:
        return ""
    if letter in _REPLACED:
        return _REPLACED[letter]
    parts = [part for part in unicodedata.normalize("NFD", letter) if ord(part) not in _MARKS]
    return parts[0] if len(parts) == 1 and parts[0] in _BASES else letter


_FOLDED: Final = _FoldTable()
