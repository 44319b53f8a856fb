"""A run as one static page: no script, nothing loaded, nothing sent, and a policy in it that forbids both.

`page_content` says what is on it, the templates beside this file where; markup and escaping are Jinja's.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import TYPE_CHECKING

from reconciler.reports.formats import FormatContext
from reconciler.reports.page_content import PageContent, build_page_content
from reconciler.reports.run_report import RunReport
from reconciler.sanitize import escape_invisible

if TYPE_CHECKING:
    from jinja2 import Environment


def render_html(report: RunReport, context: FormatContext) -> str:
    """Return the page."""
    page = render_page(build_page_content(report, context), context.whole_result)
    # Character references are the same page in any encoding (HTML, 13.1.4); the style is ASCII as it is.
    return page.encode("ascii", "xmlcharrefreplace").decode() if context.ascii_only else page


def render_page(content: PageContent, whole: str = "") -> str:
    """Return the markup of a content; `whole` is where the reader finds what was left out."""
    templates = load_templates()
    style = templates.get_template("page.css.jinja").render(filter_ids=content.filters.ids)
    return templates.get_template("page.html.jinja").render(
        page=content, style=style, style_hash=_hash_style(style), whole=whole or "--report json=FILE"
    )


@cache
def load_templates() -> Environment:
    """Return what renders the templates: all that is put into one is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - an extra

    return Environment(
        loader=PackageLoader("reconciler.reports", "page_templates"),
        autoescape=True,
        finalize=_draw_text,
        # Otherwise a slip of the pen in a template is an empty place in a report.
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _draw_text(value: object) -> object:
    """Spell out what can't be seen, in whatever a template is given: the one sink of the page."""
    # A subclass of str is markup already, of our own templates.
    return escape_invisible(value) if type(value) is str else value


def _hash_style(style: str) -> str:
    # CSP Level 3, 2.3.1: the digest is of the element's text, to the last blank.
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
