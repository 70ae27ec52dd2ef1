"""Profiles of hypothesis, and nothing else."""

from hypothesis import settings

# A deadline would measure the machine; other work may share it.
settings.register_profile("default", deadline=None)
settings.load_profile("default")
