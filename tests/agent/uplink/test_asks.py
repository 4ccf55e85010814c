"""Questions with a deadline."""

from __future__ import annotations

import threading

from agent.uplink.asks import OPEN_LIMIT, SILENCE_S, SILENT_AFTER, Asks
from protocol.messages import ItemAnswered, ItemAsked


def answer_to(question: ItemAsked, body: bytes | None = b"{}") -> ItemAnswered:
    return ItemAnswered(question_id=question.question_id, item=question.item, body=body)


def test_an_answer_reaches_whoever_asked() -> None:
    def send(question: ItemAsked) -> bool:
        asks.answer(answer_to(question, b"sold"))
        return True

    asks = Asks(send)
    answered = asks.ask_item("item-1")
    assert answered is not None
    assert (answered.item, answered.body) == ("item-1", b"sold")


def test_two_who_ask_at_once_get_their_own_answers() -> None:
    questions: list[ItemAsked] = []
    both = threading.Barrier(2, timeout=10)

    def send(question: ItemAsked) -> bool:
        questions.append(question)
        if both.wait() == 0:
            for each in reversed(questions):
                asks.answer(answer_to(each, each.item.encode()))
        return True

    asks = Asks(send)
    answers: dict[str, bytes | None] = {}

    def ask(item: str) -> None:
        answered = asks.ask_item(item, timeout_ms=10_000)
        answers[item] = answered.body if answered else None

    threads = [threading.Thread(target=ask, args=(item,)) for item in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {"a": b"a", "b": b"b"}


def test_no_answer_in_time_is_none_and_a_late_one_finds_nobody() -> None:
    asked: list[ItemAsked] = []

    def send(question: ItemAsked) -> bool:
        asked.append(question)
        return True

    asks = Asks(send)
    assert asks.ask_item("item-1", timeout_ms=1) is None
    asks.answer(answer_to(asked[0]))


def test_without_a_link_nobody_waits() -> None:
    assert Asks(lambda _: False).ask_item("item-1", timeout_ms=3_600_000) is None


def test_when_the_link_goes_whoever_waits_is_let_go() -> None:
    def send(_: ItemAsked) -> bool:
        asks.give_up()
        return True

    asks = Asks(send)
    assert asks.ask_item("item-1", timeout_ms=3_600_000) is None


def test_questions_do_not_pile_up() -> None:
    depths: list[int] = []

    def ask_another(_: ItemAsked) -> bool:
        depths.append(len(depths))
        asks.ask_item("and another", timeout_ms=3_600_000)
        return False

    asks = Asks(ask_another)
    asks.ask_item("the first", timeout_ms=3_600_000)
    assert len(depths) == OPEN_LIMIT


class Silence:
    """A link over which nobody answers, and a watch."""

    def __init__(self) -> None:
        self.asked: list[ItemAsked] = []
        self.now_s = 0.0
        self.asks = Asks(self._send, lambda: self.now_s)

    def _send(self, question: ItemAsked) -> bool:
        self.asked.append(question)
        return True

    def ask(self, times: int) -> int:
        """How many questions have gone out."""
        for _ in range(times):
            self.asks.ask_item("item-1", timeout_ms=1)
        return len(self.asked)


def test_who_has_kept_silent_several_times_is_not_waited_for_by_each() -> None:
    silence = Silence()
    assert silence.ask(SILENT_AFTER + 5) == SILENT_AFTER


def test_one_question_in_a_while_finds_out_whether_the_silence_is_over() -> None:
    silence = Silence()
    silence.ask(SILENT_AFTER)
    silence.now_s = SILENCE_S
    assert silence.ask(3) == SILENT_AFTER + 1


def test_an_answer_ends_the_silence() -> None:
    silence = Silence()
    silence.ask(SILENT_AFTER)
    silence.asks.answer(answer_to(silence.asked[-1]))
    assert silence.ask(1) == SILENT_AFTER + 1


def test_a_new_link_ends_the_silence() -> None:
    silence = Silence()
    silence.ask(SILENT_AFTER)
    silence.asks.give_up()
    assert silence.ask(1) == SILENT_AFTER + 1
