"""What goes wrong in the process, as a tree, and the exit code that each ends with.

engines.errors.VigilError       1
├── SettingsError               2   a settings file, or an argument, is not what was expected
├── StageDied                   1   a stage that the process cannot do without has ended
└── (engines.errors.ProfileError)   2   starting again will not mend a profile
"""

from engines.errors import ProfileError, VigilError

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2


class SettingsError(VigilError):
    """A settings file or an argument is wrong: its text names the file, the key and what was expected."""


class StageDied(VigilError):  # noqa: N818 - an event, named as the log names it
    """A stage that the process cannot do without has ended; its text says which and why."""


def exit_code(error: VigilError) -> int:
    """The code that the process leaves with when `error` ends it."""
    return EXIT_USAGE if isinstance(error, SettingsError | ProfileError) else EXIT_FAILED
