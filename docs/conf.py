"""Settings of Sphinx; ``make docs`` builds the pages."""

import re
from pathlib import Path

_SOURCE = (Path(__file__).parents[1] / "dictd" / "__init__.py").read_text("utf-8")

project = "dictd"
author = "the authors of dictd"
project_copyright = "the authors of dictd, under the MIT licence"
release = version = re.search(r'__version__ = "([^"]+)"', _SOURCE)[1]  # type: ignore[index]

# :ref:`operations:People` is the section of that name.
extensions = ["sphinx.ext.autosectionlabel"]
autosectionlabel_prefix_document = True
autosectionlabel_maxdepth = 2

exclude_patterns = ["_build"]
html_theme = "alabaster"
html_theme_options = {
    "description": "A dictionary server you own: DICT (RFC 2229) with accounts and a private history.",
    "fixed_sidebar": True,
    "page_width": "1060px",
    "sidebar_width": "210px",
}
# What is shown of terminals is coloured as that, and what is no language is left as it is.
highlight_language = "none"
html_show_sourcelink = False
html_copy_source = False
man_pages = [
    ("operations", "dictd", "a dictionary server: operations", author, 8),
    ("protocol", "dictd-protocol", "the line protocol of dictd", author, 5),
]
