"""csrc/base/utf8.c against Python's own decoder: all sequences of bytes at which a rule changes."""

from itertools import product
from pathlib import Path

from c_build import build_program, run_program

INCOMPLETE, COMPLETE = 254, 255

# First and last byte of every range in RFC 3629's table, and their neighbours.
EDGES = bytes.fromhex("00 41 7f 80 8f 90 9f a0 bf c0 c1 c2 df e0 e1 ec ed ee ef f0 f1 f3 f4 f5 ff")
LEADS_OF_FOUR = bytes.fromhex("e0 ed f0 f1 f3 f4 f5")


# What may follow: if none of these makes the text valid, nothing does.
TAILS = [byte * count for byte in (b"\x80", b"\xbf") for count in range(4)]


def is_valid(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def python_verdict(text: bytes) -> int:
    for length in range(1, len(text) + 1):
        if not any(is_valid(text[:length] + tail) for tail in TAILS):
            return length - 1
    return COMPLETE if is_valid(text) else INCOMPLETE


def corpus() -> list[bytes]:
    texts = [bytes([byte]) for byte in range(256)]
    texts += [bytes(pair) for pair in product(range(256), EDGES)]
    texts += [bytes(three) for three in product(EDGES, repeat=3)]
    texts += [bytes(four) for four in product(LEADS_OF_FOUR, EDGES, b"\x7f\x80\xbf\xc0", EDGES)]
    texts += ["κόσμε".encode(), "a😀b".encode(), "a😀b".encode("utf-16-le")]
    return texts


def test_agrees_with_python() -> None:
    program = build_program(Path(__file__).with_name("utf8_verdicts.c"), "base")
    texts = corpus()
    verdicts = run_program(program, stdin=b"".join(bytes([len(text)]) + text for text in texts))
    assert len(verdicts) == len(texts)
    different = [
        (text, ours, theirs)
        for text, ours in zip(texts, verdicts, strict=True)
        if ours != (theirs := python_verdict(text))
    ]
    assert different == []
