"""What goes wrong in Vigil, as a tree.

VigilError                      anything Vigil refuses or cannot do, told in one line
├── EngineError                 a network could not be loaded, compiled or run
├── ProfileError                a profile is missing, damaged, foreign or does not fit
├── EnrolmentError              the footage is no basis for a profile
└── (pipelines.errors)          sources, wire, settings of the rooms above
"""


class VigilError(Exception):
    """Base of every error that Vigil raises on purpose: its text is one line that says what to do."""


class EngineError(VigilError):
    """A network could not be loaded, compiled or run."""


class ProfileError(VigilError):
    """A profile is missing, damaged, made by a foreign version, or does not fit the engine."""


class EnrolmentError(VigilError):
    """The footage given is too short, empty or unsuitable to learn a camera's normality from."""
