"""Tests of what an operator installs: the unit, the rules, the dashboard, the example settings."""
