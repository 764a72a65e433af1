"""What goes wrong in the pipelines, as a tree.

engines.errors.VigilError
├── SourceError                 a source cannot be opened or read; its text never holds a secret
│   ├── SourceLost              it was there and is gone: reconnect
│   │   └── SourceStalled       it is connected and sends nothing that can be used
│   └── SourceRefused           it will not work by trying again: wrong path, no video in it, bad fragment
├── WireError                   a message is not an alert that this version understands
├── PublishError                a socket cannot be bound or used
├── KeysError                   a key file, or the folder of keys, is not what was expected; its text holds no key
├── HelperError                 a process that does part of the daemon's work has ended, or answers nonsense
│   └── HelperSilent            it is there and does not answer
├── JournalError                the journal cannot be written or read
│   ├── JournalFull             there is no room for it
│   ├── JournalReadOnly         its disk is read-only
│   └── JournalDamaged          its database is no database, or contradicts itself
└── SubscribeError              an endpoint cannot be listened to
    └── SubscribeTimeout        nothing came within the time given
"""

from engines.errors import VigilError


class SourceError(VigilError):
    """A source cannot be opened or read."""


class SourceLost(SourceError):  # noqa: N818 - a state of the stream, named as operators name it
    """A source that was there is gone or stalled; trying again may help."""


class SourceStalled(SourceLost):
    """A source that is connected and sends no frame, or none that can be decoded."""


class SourceRefused(SourceError):  # noqa: N818 - likewise
    """A source that trying again will not mend: wrong path, no video stream, malformed fragment."""


class WireError(VigilError):
    """A message is not an alert that this version understands."""


class PublishError(VigilError):
    """A socket cannot be bound or used."""


class KeysError(VigilError):
    """A key file, or the folder of keys, is not what was expected; the text says what to do and holds no key."""


class HelperError(VigilError):
    """A process that does part of the daemon's work has ended, or answers nonsense."""


class HelperSilent(HelperError):  # noqa: N818 - a state of the process, named as operators name it
    """A process that does part of the daemon's work is there and does not answer."""


class JournalError(VigilError):
    """The journal cannot be written or read."""


class JournalFull(JournalError):  # noqa: N818 - a state of the disk, named as operators name it
    """There is no room for the journal."""


class JournalReadOnly(JournalError):  # noqa: N818 - likewise
    """The journal's disk is read-only."""


class JournalDamaged(JournalError):  # noqa: N818 - likewise
    """The journal's database is no database, or contradicts itself."""


class SubscribeError(VigilError):
    """An endpoint cannot be listened to."""


class SubscribeTimeout(SubscribeError):  # noqa: N818 - named as sockets name it
    """Nothing came within the time given; the publisher may be gone."""
