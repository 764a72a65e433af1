"""Digest access authentication (RFC 7616) as cameras ask for it: MD5, with ``qop=auth`` or, as older ones, without."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

REALM = "vigil simulation"
_FIELD = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]+))')


class Digest:
    """Asks one connection for user and password."""

    def __init__(self) -> None:
        self._nonce = secrets.token_hex(16)

    @property
    def challenge(self) -> str:
        """What the answer 401 says in ``WWW-Authenticate``."""
        return f'Digest realm="{REALM}", nonce="{self._nonce}", algorithm=MD5, qop="auth"'

    def admits(self, method: str, authorization: str, account: str) -> bool:
        """Whether the ``Authorization`` header of a request proves that the client knows ``user:password``."""
        scheme, _, rest = authorization.partition(" ")
        fields = {name: quoted or bare for name, quoted, bare in _FIELD.findall(rest)}
        user, _, password = account.partition(":")
        if scheme.lower() != "digest" or fields.get("nonce") != self._nonce or fields.get("username") != user:
            return False
        secret = _md5(f"{user}:{REALM}:{password}")
        asked = _md5(f"{method}:{fields.get('uri', '')}")
        between = [self._nonce]
        if "qop" in fields:
            between += [fields.get(name, "") for name in ("nc", "cnonce", "qop")]
        wanted = _md5(":".join([secret, *between, asked]))
        return hmac.compare_digest(wanted, fields.get("response", ""))


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
