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
    rest = word["rest"]
    start = _AUTHORITY.match(rest)
    authority = start.group() if start else ""
    # ``host:80`` and ``user:pa/ss@host`` look alike up to the slash: with an ``@`` further on, assume the worse.
    if "@" in authority or (":" in authority and "@" in rest):
        rest = f"{HIDDEN}@{rest.rpartition('@')[2]}"
    return word["scheme"] + rest
