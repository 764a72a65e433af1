"""Takes secrets out of text that people or programs may read: logs, errors, metrics, messages."""

from __future__ import annotations

import re

HIDDEN = "***"

_WORD_WITH_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*://)(?P<rest>\S+)")
_AUTHORITY = re.compile(r"[^/?#]*")
_NAME = r"[\w.\-%\[\]]*(?:token|key|pass|pwd|auth|sig|secret|cred|session|jwt)[\w.\-%\[\]]*"
_PARAMETER = re.compile(rf"(?P<name>[?&;#/=]{_NAME}|\b(?:access_)?(?:password|passwd|pwd))=[^&;\s]*", re.IGNORECASE)
_HEADER = re.compile(r"(?P<name>\b(?:proxy-)?authorization:\s*)[^\r\n]+", re.IGNORECASE)


def redact(text: str) -> str:
    """Hide user names and passwords in URLs, parameters that look like secrets, and authorisation headers.

    It prefers hiding too much: of a URL that carries credentials everything up to the last ``@`` of the word goes,
    since passwords are written into addresses unescaped. Applying it twice changes nothing more.
    """
    text = _WORD_WITH_URL.sub(_without_credentials, text)
    text = _PARAMETER.sub(rf"\g<name>={HIDDEN}", text)
    return _HEADER.sub(rf"\g<name>{HIDDEN}", text)


def _without_credentials(word: re.Match[str]) -> str:
    before, at, after = word["rest"].rpartition("@")
    authority = _AUTHORITY.match(word["rest"])
    # ``host:80/a@b`` and ``user:pa/ss@host`` look alike: with a colon before the last ``@``, assume the worse.
    if at and (":" in before or (authority and "@" in authority.group())):
        return f"{word['scheme']}{HIDDEN}@{after}"
    return word.group()
