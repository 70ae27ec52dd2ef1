"""Profiles of hypothesis, and nothing else."""

from hypothesis import settings

# A deadline would measure the machine; other work may share it.
settings.register_profile("default", deadline=None)
# On further Pythons the same laws run to see that they run at all.
settings.register_profile("further", deadline=None, max_examples=20)
settings.load_profile("default")
