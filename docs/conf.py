"""How the documentation is built: ``nox -s docs`` does it, offline, with warnings as errors."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from bitstamp_ledger import __version__

project = "bitstamp_ledger"
author = "The bitstamp_ledger authors"
copyright = "the bitstamp_ledger authors; MIT licence"  # noqa: A001 - the name that Sphinx reads
release = __version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "tables_of_the_code",
]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"bitstamp_ledger {release}"

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 120

# Docstrings name things in single backticks, as in the interpreter's own documentation.
default_role = "code"
autodoc_default_options = {"members": True}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False

# A field may be called like a built-in, such as ``type``; annotations mean the built-in.
suppress_warnings = ["ref.python"]
