"""Pages and cards as Chromium shows them: on a screen and a phone, light and dark, with the keyboard and on paper."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ccflow import CallableModel, DateContext, Flow, GenericResult
from pydantic import Field

from ccflow_etl import (
    BackfillModel,
    BaseCalendar,
    ETLArtifact,
    FixedDate,
    HourlyCalendar,
    Interval,
    MemoryCheckpointStore,
    RetryPolicy,
    RuleCalendar,
)

pytestmark = pytest.mark.browser

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]
WIDTHS = [360, 1280]
SCHEMES = ["light", "dark"]
LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3

# The contrast of every text that is shown with what is behind it, by the formula of WCAG 2.2.
CONTRASTS = """() => {
  const channels = text => {
    const found = text.match(/[\\d.]+/g).map(Number);
    return found.length < 4 ? [...found, 1] : found;
  };
  const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const luminance = colour => {
    const [r, g, b] = colour.slice(0, 3).map(value => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const canvas = matchMedia('screen and (prefers-color-scheme: dark)').matches ? [18, 18, 18, 1] : [255, 255, 255, 1];
  const behind = element => {
    const layers = [];
    for (let each = element; each; each = each.parentElement) {
      layers.push(channels(getComputedStyle(each).backgroundColor));
    }
    return layers.reverse().reduce((below, layer) => over(layer, below), canvas);
  };
  const found = [];
  for (const element of document.body.querySelectorAll('*')) {
    const text = [...element.childNodes].filter(node => node.nodeType === 3).map(node => node.data.trim()).join('');
    const box = element.getBoundingClientRect();
    if (!text || !box.width || !box.height || element.tagName === 'STYLE') continue;
    const style = getComputedStyle(element);
    const back = behind(element);
    const ink = over(channels(element instanceof SVGElement ? style.fill : style.color), back);
    const [high, low] = [luminance(ink), luminance(back)].sort((a, b) => b - a);
    found.push([text.slice(0, 60), (high + 0.05) / (low + 0.05)]);
  }
  return found;
}"""


# Waiting for an expression is what the page's content security policy forbids; a promise is waited for by itself.
SCROLLING = """() => {
  const element = document.querySelector('#coverage .scroll');
  window.scrolled = new Promise(done => element.addEventListener('scroll', () => done(element.scrollLeft)));
  element.focus();
}"""


class Shop(CallableModel):
    """Fails on the 13th with a long message, and is asked twice on the 5th."""

    tried: list[str] = Field(default_factory=list)

    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[int]:
        if context.date.day == 13:
            raise LookupError(f"no <data> for {context.date}: {'averylongword' * 20} {'and words ' * 30}")
        if context.date.day == 5 and str(context.date) not in self.tried:
            self.tried.append(str(context.date))
            raise TimeoutError
        return GenericResult[int](value=1)


@dataclass
class Shown:
    """A page in the browser, and what it asked for and complained of."""

    page: Any
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        return self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")

    def unfold(self) -> None:
        self.page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    """A page of each kind of run, and one with every card in the colours of a notebook."""
    folder = tmp_path_factory.mktemp("pages")
    store = MemoryCheckpointStore()
    retry = RetryPolicy(max_attempts=2, retry_exception_types=["TimeoutError"])
    backfill = BackfillModel(model=Shop(), retry=retry, max_failures=100, checkpoint_store=store)
    backfill(["2022-01-01", "2022-04-01"])
    failed = backfill(["2022-01-01", "2023-12-31"])
    (folder / "failed.html").write_text(failed.to_html(), encoding="utf-8")
    good = BackfillModel(model=Shop())(["2022-01-01", "2022-01-04"])
    (folder / "good.html").write_text(good.to_html(), encoding="utf-8")
    none = BackfillModel(model=Shop())(["2022-01-02", "2022-01-01"])
    (folder / "none.html").write_text(none.to_html(), encoding="utf-8")
    cards = [
        *(Interval(offset="ME"), Interval(offset="C"), HourlyCalendar(), BaseCalendar.model_validate("B")),
        RuleCalendar(rules=[FixedDate(month=1, day=1, observance="nearest")], holidays=["2024-01-03"]),
        *(backfill.plan(["2022-01-01", "2023-12-31"]), backfill.status(["2022-01-01", "2023-12-31"])),
        *(failed, failed.summary, ETLArtifact(key="a", stage="load", uri=f"memory://{'long' * 100}", sha256="0" * 64)),
    ]
    theme = "body { background: #fff; color: rgba(0, 0, 0, 0.87); }"
    theme += "@media (prefers-color-scheme: dark) { body { background: #111; color: rgba(255, 255, 255, 0.87); } }"
    head = '<!doctype html><html lang="en"><meta charset="utf-8"><link rel="icon" href="data:,">'
    head += f'<meta name="viewport" content="width=device-width"><title>Cards</title><style>{theme}</style>'
    body = "".join(card._repr_html_() for card in cards)
    (folder / "cards.html").write_text(f"{head}<body>{body}</body></html>", encoding="utf-8")
    return {path.stem: path for path in folder.iterdir()}


@pytest.fixture(scope="module")
def playwright() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture
def show(playwright, tmp_path, files):
    """Shows a page; anything that it asks for besides itself is refused, and noted."""
    contexts = []

    def show(name: str, width: int = 1280, scheme: str = "light") -> Shown:
        context = playwright.chromium.launch_persistent_context(
            tmp_path / f"profile-{len(contexts)}",
            executable_path=CHROMIUM,
            args=FLAGS,
            color_scheme=scheme,
            viewport={"width": width, "height": 800},
        )
        contexts.append(context)
        address = files[name].as_uri()
        shown = Shown(context.new_page())

        def answer(route: Any) -> None:
            if route.request.url == address:
                route.continue_()
            else:
                shown.requests.append(route.request.url)
                route.abort()

        context.route("**/*", answer)
        shown.page.on("console", lambda message: shown.complaints.append(message.text))
        shown.page.on("pageerror", lambda error: shown.complaints.append(str(error)))
        shown.page.goto(address)
        return shown

    yield show
    for context in contexts:
        context.close()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["failed", "good", "none", "cards"])
def test_a_page_fits_and_can_be_read(show, name, width, scheme):
    shown = show(name, width, scheme)
    shown.unfold()
    shown.page.wait_for_load_state("networkidle")
    assert shown.requests == []
    assert shown.complaints == []
    assert shown.overflow() == 0
    contrasts = shown.page.evaluate(CONTRASTS)
    assert len(contrasts) > 10
    assert [pair for pair in contrasts if pair[1] < LEAST_CONTRAST] == []


def test_the_colours_follow_the_reader(show):
    backgrounds = [
        show("good", scheme=scheme).page.evaluate("getComputedStyle(document.body).backgroundColor")
        for scheme in SCHEMES
    ]
    light, dark = (np.mean([int(part) for part in colour[4:-1].split(",")]) for colour in backgrounds)
    assert light > 200
    assert dark < 60


def test_the_keyboard_reaches_and_opens_a_traceback(show):
    page = show("failed").page
    focused = "document.activeElement.tagName"
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate(focused) == "SUMMARY":
            break
    assert page.evaluate(focused) == "SUMMARY"
    # the focus can be seen
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert not page.evaluate("document.activeElement.parentElement.open")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.parentElement.open")
    assert "LookupError: no <data>" in page.evaluate("document.activeElement.parentElement.innerText")


def test_the_keyboard_scrolls_what_is_wider_than_a_phone(show):
    page = show("failed", 360).page
    page.evaluate(SCROLLING)
    page.keyboard.press("ArrowRight")
    assert page.evaluate("window.scrolled") > 0


def test_the_first_link_leads_past_the_others(show):
    page = show("failed").page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.url.endswith("#content")


def test_links_lead_to_their_sections(show):
    page = show("failed", 360).page
    page.click("nav >> text=Slowest steps")
    top = page.evaluate("document.querySelector('#slowest').getBoundingClientRect().top")
    assert abs(top) < 400


def test_the_map_has_a_name_and_is_as_wide_as_there_is_room(show):
    page = show("failed").page
    name = page.get_attribute("#coverage svg[role=img]", "aria-label")
    assert name.startswith("Steps by what became of them: ")
    assert page.get_by_role("img", name=name).count() == 1
    assert page.evaluate("document.querySelector('#coverage svg').getBoundingClientRect().width") > 700


@pytest.mark.parametrize("scheme", SCHEMES)
def test_paper_is_white_and_has_every_traceback_and_no_links_to_sections(show, scheme):
    page = show("failed", scheme=scheme).page
    page.emulate_media(media="print")
    seen = "[...document.querySelectorAll('details pre')].map(each => each.checkVisibility())"
    assert set(page.evaluate(seen)) == {True}
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert [pair for pair in page.evaluate(CONTRASTS) if pair[1] < LEAST_CONTRAST] == []
    page.emulate_media(media="screen")
    assert set(page.evaluate(seen)) == {False}
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") == 0


def test_no_script_runs(show, files):
    hostile = files["good"].with_name("hostile.html")
    html = files["good"].read_text(encoding="utf-8")
    hostile.write_text(
        html.replace("</main>", "<script>document.title = 'taken over'</script></main>"), encoding="utf-8"
    )
    files["hostile"] = hostile
    shown = show("hostile")
    assert shown.page.title() != "taken over"
    assert any("Content Security Policy" in complaint for complaint in shown.complaints)
