"""A question to the planner and its answer: what pages, programs and the command line say to it and read from it.

No planner is here, only the words: `question.Question` is what a plan is made for, `rules.Rule` what may be asked of it as one
line of English, `answer.Answer` what comes back.
"""

from worker.planning.answer import Answer
from worker.planning.question import Question
from worker.planning.rules import Rule

__all__ = ["Answer", "Question", "Rule"]
