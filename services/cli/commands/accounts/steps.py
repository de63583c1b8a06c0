"""Shows the steps of the test of an account or connection, each as soon as it is done."""

from __future__ import annotations

from collections.abc import AsyncIterator

from rich.text import Text

from postrail.wire.timed_steps import Step
from services.cli.output import console
from services.cli.visible import clean

STYLES = {"ok": "green", "note": "yellow", "wrong": "bold red"}


async def shown_steps(steps: AsyncIterator[Step], head: str) -> list[Step]:
    """Returns the steps, and prints each under `head` as it is done; without one it is silent."""
    if head:
        console().print(Text(clean(head), "bold"))
    done: list[Step] = []
    async for step in steps:
        done.append(step)
        if head:
            show_step(step)
    return done


def show_step(step: Step) -> None:
    """Prints a step with its time, and below it setting and remedy."""
    out = console()
    word = "wrong" if not step.ok else "note" if step.remedy else "ok"
    line = f"{step.name:<16}{step.milliseconds:>8.1f} ms  {step.detail}"
    out.print(Text(f"{word:<6}", STYLES[word]) + Text(clean(line)), soft_wrap=True)
    advice = "Note" if step.ok else "Remedy"
    for title, text in (("Setting", step.setting), (advice, step.remedy)):
        if text:
            out.print(Text(clean(f"{'':<35}{title}: {text}")), soft_wrap=True)
