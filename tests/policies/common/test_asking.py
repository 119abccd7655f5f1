from __future__ import annotations

from policies.common.asking import LONGEST_SHOWN, corrected, instructed
from tests.support.fakes import make_call

USER = {"role": "user", "content": "hello"}


def test_instructions_stand_at_the_end_of_the_last_system_message_or_in_front() -> None:
    first, second = {"role": "system", "content": "a"}, {"role": "system", "content": "b"}
    assert instructed([first, second, USER], "more") == [first, {"role": "system", "content": "b\n\nmore"}, USER]
    assert instructed([USER], "more") == [{"role": "system", "content": "more"}, USER]
    parts = {"role": "system", "content": [{"type": "text", "text": "a"}]}
    assert instructed([parts, USER], "more") == [{"role": "system", "content": "more"}, parts, USER]
    assert second == {"role": "system", "content": "b"}


def test_the_same_question_is_asked_with_what_was_wrong() -> None:
    call = make_call(stream=True)
    again = corrected(call, None, "x" * (LONGEST_SHOWN + 1), "$.a: missing", 3.0)
    question, answer, problem = again.params["messages"]
    assert question == call.params["messages"][0]
    assert (answer["role"], len(answer["content"])) == ("assistant", LONGEST_SHOWN)
    assert "$.a: missing" in problem["content"]
    assert (again.stream, again.seconds) == (False, 3.0)


def test_an_empty_answer_is_shown_as_an_empty_object_and_what_was_sent_goes_along() -> None:
    again = corrected(make_call(), {"messages": [USER, USER], "temperature": 0}, "", "no", 1.0)
    assert again.params["temperature"] == 0
    assert [message["content"] for message in again.params["messages"][:3]] == ["hello", "hello", "{}"]
