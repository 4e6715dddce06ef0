"""How commands ask who the person of a folder is, when several people fit its photos about equally."""

import shlex
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from dataset.selection import Question
from dataset.words import counted
from scripts.console import CommandError


def show_questions(questions: Sequence[Question], console: Console) -> None:
    """Print each question, and its answers as options that can be copied."""
    for question in questions:
        console.print(Text("who is it?", "yellow"), str(question), soft_wrap=True)
        for option in question.options:
            face = f"face {option.number} of {option.faces} from the left, " if option.faces > 1 else ""
            shown = f"{face}in {option.photos} of {counted(question.photos, 'photo')}"
            console.print(f"  --keep {shlex.quote(option.keep)}  ({shown})", soft_wrap=True)


def require_answers(questions: Sequence[Question]) -> None:
    """Check that nothing is left to ask.

    Raises:
        CommandError: there are questions.
    """
    if questions:
        people = " and ".join(f'"{question.person}"' for question in questions)
        raise CommandError(f"Say who {people} is: run the same command again with one --keep of each question.")
