"""What differs within a long text, marked word by word."""

from difflib import SequenceMatcher
from re import compile as pattern

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

# Short values are read at a glance; beyond this the comparison itself would be no help, and slow.
SHORTEST, LONGEST = 30, 4000
_WORDS = pattern(r"\s+|\w+|[^\w\s]")


def marked(before: str, after: str) -> tuple[SafeString | str, SafeString | str]:
    """Both texts: what is gone marked in the first, what is new in the second. Texts that are short, or share less than
    a third of their words, come back as they are.
    """
    if not SHORTEST <= max(len(before), len(after)) <= LONGEST:
        return before, after
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    parts = [
        (op, "".join(old[a:b]), "".join(new[c:d]))
        for op, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    ]
    kept = sum(len(text.split()) for op, text, _ in parts if op == "equal")
    if kept * 3 < max(len(before.split()), len(after.split())):
        return before, after
    gone = format_html_join("", "{}", ((_tag("del", text, op),) for op, text, _ in parts))
    come = format_html_join("", "{}", ((_tag("ins", text, op),) for op, _, text in parts))
    return gone, come


def _tag(tag: str, text: str, op: str) -> SafeString | str:
    if op == "equal" or not text:
        return text
    return format_html("<del>{}</del>" if tag == "del" else "<ins>{}</ins>", text)
