"""Takes secrets out of text that people or programs may read: logs, errors, metrics, messages."""

from __future__ import annotations

import re

from engines.quoting import MOST_SHOWN, shortened

HIDDEN = "***"

# Possessive, and begun nowhere inside a run: whatever comes, it is looked at once.
_WORD_WITH_URL = re.compile(r"(?<![A-Za-z0-9+.\-])(?P<scheme>[A-Za-z0-9+.\-]++://)(?P<rest>\S+)")
_AUTHORITY = re.compile(r"[^/?#]*")
_TELLING = r"(?=[\w.\-%\[\]]*?(?:token|key|pass|pwd|auth|sig|secret|cred|session|jwt))"
_NAME = rf"[?&;#/=]{_TELLING}[\w.\-%\[\]]++"
_PARAMETER = re.compile(rf"(?P<name>{_NAME}|\b(?:access_)?(?:password|passwd|pwd))=[^&;\s]*", re.IGNORECASE)
_SCHEMES = frozenset({"file", "http", "https", "ipc", "rtmp", "rtp", "rtsp", "rtsps", "srt", "tcp", "udp"})
_FILE_NAME = re.compile(r"[^/\\:?#\s]*\.[A-Za-z0-9]{2,4}")
_BEYOND_PORT = re.compile(r"[^/?#:\[]*:(?!(?:\d*|\*)(?:[/?#]|$))")
_HEADER = re.compile(r"(?P<name>\b(?:proxy-)?authorization:\s*)[^\r\n]+", re.IGNORECASE)


def redact(text: str) -> str:
    """Hide user names and passwords in URLs, parameters that look like secrets, and authorisation headers.

    It prefers hiding too much: of a URL that carries credentials everything up to the last ``@`` of the word goes,
    since passwords are written into addresses unescaped. Applying it twice changes nothing more.
    """
    text = _WORD_WITH_URL.sub(_without_credentials, text)
    text = _PARAMETER.sub(rf"\g<name>={HIDDEN}", text)
    return _HEADER.sub(rf"\g<name>{HIDDEN}", text)


def redact_address(address: str) -> str:
    """The same for a text that is one URL or path: whatever blanks are in its password, however the URL is mistyped.

    What stands before an ``@`` is hidden whatever it is, unless both together are plainly the name of a file.
    """
    scheme, mark, rest = address.partition("://")
    if scheme.lower() not in _SCHEMES:  # it may be a piece of a password
        scheme, mark, rest = "", "", address
    before, at, after = rest.rpartition("@")
    if at and not _is_file_name(before, after):
        return redact(f"{scheme}{mark}{HIDDEN}@{after}")
    if mark and not at and _BEYOND_PORT.match(rest):  # without its ``@``, a password stands where a port would
        return f"{scheme}{mark}{HIDDEN}"
    return redact(address)


def shown(text: object, most: int = MOST_SHOWN) -> str:
    """A name, value or address that somebody wrote as messages cite it: without secrets, and short.

    The secret goes first: cut before, half a password would be left without the ``@`` by which it is known.
    """
    return shortened(redact_address(str(text)), most)


def _is_file_name(before: str, after: str) -> bool:
    """Whether ``before@after`` is a file such as ``clips/noon@gate.mp4``, in doubt not."""
    return ":" not in before and "@" not in before and _FILE_NAME.fullmatch(after) is not None


def _without_credentials(word: re.Match[str]) -> str:
    before, at, after = word["rest"].rpartition("@")
    authority = _AUTHORITY.match(word["rest"])
    # ``host:80/a@b`` and ``user:pa/ss@host`` look alike: with a colon before the last ``@``, assume the worse.
    if at and (":" in before or (authority and "@" in authority.group())):
        return f"{word['scheme']}{HIDDEN}@{after}"
    return word.group()
