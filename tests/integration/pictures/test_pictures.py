"""Each default template as a person sees it: in Chromium, narrow and wide, light and dark, as text.

The pictures stay in the folder `pictures` beside `tests`, which continuous integration keeps.
"""

from __future__ import annotations

import html
import shutil
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from postrail.notifications.issue_words import Occasion
from postrail.notifications.phrases import phrases_in
from postrail.notifications.readers import tokens_of
from postrail.notifications.templates.render import Rendered, rendered
from postrail.notifications.tokens import filled, filled_html
from postrail.operate.template_preview import OF_APPROVALS, OF_COMMENTS, words_of
from postrail.rendering.events import MessageEvent
from postrail.tracker.builtin.comments import EarlierComment
from postrail.tracker.issues import Audience, Watcher
from tests.makers.records import NOON

pytestmark = [pytest.mark.debian, pytest.mark.xdist_group("pictures"), pytest.mark.timeout(300)]

FOLDER = Path(__file__).parents[3] / "pictures"
TEXT_COLUMNS = 72
BODY = """The printer on the second floor is on fire again.

I have pulled the plug, and used the sand from the bucket; the manual says so, too:
https://printers.example.org/manuals/LaserJet-9000/chapter-12/what-to-do-in-case-of-fire?lang=en&page=112

Could somebody bring a new one?
Bo"""
EARLIER = (
    EarlierComment(
        before=2,
        comment_id=1,
        mail_id=None,
        author_address="ann@example.org",
        author_name="Ann Lee",
        body=BODY,
        in_blob=False,
        internal=False,
        created_at=NOON,
    ),
)
SUMMARY = "Printer on the second floor is on fire"
TO_APPROVE = "Deploy CRM 4.2 to production"
PLAN = """The tests of 4.2 have passed on staging, and the backup of tonight is done.

The deployment takes 20 minutes, from 18:00 on; nobody can log in meanwhile.
Changes: https://git.example.org/crm/compare/4.1...4.2"""
LANGUAGES = {
    MessageEvent.CREATED: ["en", "de", "ja"],
    MessageEvent.COMMENTED: ["en", "fr"],
    MessageEvent.APPROVAL_REQUEST: ["en", "de", "ja"],
}
CASES = [(event, language) for event in MessageEvent for language in LANGUAGES.get(event, ["en"])]

# The parts of the page whose words have too little contrast with what is behind them (WCAG 1.4.3).
FAINT = """() => {
  const numbers = colour => (colour.match(/[\\d.]+/g) || []).map(Number);
  const light = colour => {
    const [r, g, b] = numbers(colour).map(c => c / 255)
      .map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = element => {
    for (let one = element; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor;
      if ((numbers(colour)[3] ?? 1) > 0) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const found = [];
  for (const element of document.querySelectorAll('td, th, a, p')) {
    const own = [...element.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own) continue;
    const [a, b] = [light(getComputedStyle(element).color), light(ground(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) found.push(`${contrast.toFixed(1)}: ${element.textContent.trim()}`);
  }
  return found;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    executable = shutil.which("chromium")
    assert executable, "run scripts/install-test-parts.sh"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=executable, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield opened
        opened.close()


def made(event: MessageEvent, language: str) -> Rendered:
    """Returns the message of the event to Ann, filled in."""
    audience = Audience(
        issue_id=1,
        issue_key="HELP-7",
        project="HELP",
        summary=TO_APPROVE if event in OF_APPROVALS else SUMMARY,
        conversation="c",
        first_message_id=None,
        watchers=(),
    )
    occasion = Occasion(
        audience=audience,
        project_name="Help desk",
        author=Watcher(address="bo@example.org", name="Bo Li"),
        body=_body(event),
        max_characters=2000,
        earlier=EARLIER if event in OF_COMMENTS else (),
    )
    phrases = phrases_in(language)
    found = rendered(words_of(event, occasion)(phrases))
    tokens = tokens_of(f"{found.text}{found.html}", "Lee, Ann", "", NOON, phrases)
    return Rendered(
        subject=found.subject,
        text=filled(found.text, tokens),
        html=filled_html(found.html, tokens),
    )


def _body(event: MessageEvent) -> str:
    if event in OF_APPROVALS:
        return PLAN
    return "Done (Fixed)" if event is MessageEvent.STATUS_CHANGED else BODY


@pytest.mark.parametrize(("event", "language"), CASES)
def test_each_message_is_readable(browser: Browser, event: MessageEvent, language: str) -> None:
    message = made(event, language)
    FOLDER.mkdir(exist_ok=True)
    name = f"{event}-{language}"
    for width in (360, 800):
        for scheme in ("light", "dark"):
            look: dict[str, Any] = {"color_scheme": scheme}
            context = browser.new_context(viewport={"width": width, "height": 500}, **look)
            page = context.new_page()
            page.set_content(message.html)
            page.screenshot(path=FOLDER / f"{name}-{width}-{scheme}.png", full_page=True)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate(FAINT) == []
            context.close()


@pytest.mark.parametrize(("event", "language"), CASES)
def test_each_text_is_readable_in_72_columns(
    browser: Browser, event: MessageEvent, language: str
) -> None:
    text = made(event, language).text
    lines = [
        piece for line in text.splitlines() for piece in textwrap.wrap(line, TEXT_COLUMNS) or [""]
    ]
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{event}-{language}.txt").write_text("\n".join(lines) + "\n")
    page = browser.new_page(viewport={"width": 660, "height": 300})
    page.set_content(f"<pre style='font-size: 14px'>{html.escape(chr(10).join(lines))}</pre>")
    page.screenshot(path=FOLDER / f"{event}-{language}-text.png", full_page=True)
    page.close()
    # No two blank lines in a row, and none at the end.
    assert "\n\n\n" not in text
    assert not text.endswith("\n\n")
