"""Takes secrets out of text that people or programs may read: logs, errors, metrics, messages."""

from __future__ import annotations

import re

HIDDEN = "***"

# Possessive, and begun nowhere inside a run: whatever comes, it is looked at once.
_WORD_WITH_URL = re.compile(r"(?<![A-Za-z0-9+.\-])(?P<scheme>[A-Za-z0-9+.\-]++://)(?P<rest>\S+)")
_AUTHORITY = re.compile(r"[^/?#]*")
_TELLING = r"(?=[\w.\-%\[\]]*?(?:token|key|pass|pwd|auth|sig|secret|cred|session|jwt))"
_NAME = rf"[?&;#/=]{_TELLING}[\w.\-%\[\]]++"
_PARAMETER = re.compile(rf"(?P<name>{_NAME}|\b(?:access_)?(?:password|passwd|pwd))=[^&;\s]*", re.IGNORECASE)
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
    """The same for a text that is one URL or path: whatever blanks are in its password, however the URL is mistyped."""
    before, at, after = address.rpartition("@")
    scheme, mark, rest = before.partition("://")
    if not at or ":" not in (rest if mark else before):
        return redact(address)
    return redact(f"{scheme}{mark}{HIDDEN}@{after}" if mark else f"{HIDDEN}@{after}")


def _without_credentials(word: re.Match[str]) -> str:
    before, at, after = word["rest"].rpartition("@")
    authority = _AUTHORITY.match(word["rest"])
    # ``host:80/a@b`` and ``user:pa/ss@host`` look alike: with a colon before the last ``@``, assume the worse.
    if at and (":" in before or (authority and "@" in authority.group())):
        return f"{word['scheme']}{HIDDEN}@{after}"
    return word.group()
