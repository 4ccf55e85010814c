"""Intake: from the frames of many agents to one transaction, and an answer after its commit.

``letters`` opens frames (pure), ``bookable`` says which events can be booked and ``rules`` when they happened (pure), ``transaction`` takes a
group of messages into the books, ``booking`` derives from the facts what each noun of the trade keeps, ``worker`` runs it all in
threads with a bounded queue in front.
"""

from central.intake.worker import Intake, Limits, Publish

__all__ = ["Intake", "Limits", "Publish"]
