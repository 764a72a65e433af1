"""Judges detectors on footage with truth: figures, tables, plots and one report.

Nothing here reads videos or knows cameras: scores, maps and truth are passed in. scikit-learn, which comes with the
`evaluate` extra, does the sorting metrics; the daemon never imports this room.
"""
