from gateway.retrieval.repeated import Repetitions

TEXT = "A discount of more than ten percent has to be approved by the sales manager before the quote goes out to them."


def test_the_same_text_in_other_dress_is_a_repetition() -> None:
    taken = Repetitions()
    assert taken.take(TEXT)
    assert not taken.take(TEXT.upper().replace(" ", "\n"))
    assert not taken.take(TEXT.replace("to them", "at all"))


def test_a_text_that_stands_whole_in_another_is_a_repetition() -> None:
    taken = Repetitions()
    assert taken.take(
        f"{TEXT} Nothing else is asked for, and nobody waits longer than a day for it, holidays excepted."
    )
    assert not taken.take(TEXT)


def test_texts_that_share_some_words_are_not() -> None:
    taken = Repetitions()
    assert taken.take(TEXT)
    assert taken.take(
        "A discount of more than ten percent is rare, and nobody but the finance lead hears of it in time."
    )
    assert taken.take("E501")
    assert taken.take("E502")
    assert not taken.take("e501!")
    assert taken.take("")
