import pytest

from gateway.retrieval.score import CENTRES, Features, features, score, scores
from gateway.retrieval.types import Hit
from gateway.retrieval.words import asked
from tests.gateway.retrieval.support import chunk

RIGHT = chunk("More than ten percent is approved by the sales manager.", title="Discount approval (D-10)")
WRONG = chunk("Calendars are synchronised every two minutes.", title="Calendar sync")


def one(query: str, text: str = "", title: str = "Title", similarity: float | None = 0.5) -> Features:
    (found,) = features(asked(query), [Hit(chunk(text, title=title), similarity, None)])
    return found


@pytest.mark.parametrize("dense", [True, False])
@pytest.mark.parametrize("name", ["covered", "adjoining", "titled", "present", "named"])
def test_every_feature_but_what_is_missing_speaks_for_a_chunk(name: str, dense: bool) -> None:
    low, high = CENTRES._replace(**{name: 0.0}), CENTRES._replace(**{name: 1.0})
    assert 0 < score(low, dense=dense) < score(high, dense=dense) < 1


@pytest.mark.parametrize("dense", [True, False])
def test_a_code_that_is_missing_speaks_against(dense: bool) -> None:
    assert score(CENTRES._replace(missing=1.0), dense=dense) < score(CENTRES, dense=dense)


def test_the_cosine_counts_only_where_it_is_known() -> None:
    near = CENTRES._replace(cosine=0.9)
    assert score(near, dense=True) > score(CENTRES, dense=True)
    assert score(near, dense=False) == score(CENTRES, dense=False)


def test_the_weight_shifts_between_meaning_and_words_and_leaves_the_middle() -> None:
    meant = CENTRES._replace(cosine=0.7, covered=0.3)
    by_weight = [score(meant, dense=True, dense_weight=weight) for weight in (0.0, 0.3, 0.7, 1.0)]
    assert by_weight == sorted(by_weight)
    assert score(CENTRES, dense=True, dense_weight=0.0) == score(CENTRES, dense=True, dense_weight=1.0)


def test_extremes_stay_scores() -> None:
    ends = Features(1, 1, 1, 1, 1, 0, 1), Features(-1, 0, 0, 0, 0, 1, 0)
    assert [0 <= score(end, dense=True, dense_weight=weight) <= 1 for end in ends for weight in (0, 1)] == [True] * 4


def test_words_count_in_their_forms_and_as_they_were_meant() -> None:
    assert one("approving discounts", "A discount has to be approved").covered == 1
    assert one("aproval of dicounts", "A discount and its approval").covered == 1
    assert one("approving holidays", "A discount has to be approved").covered == 0.5


def test_words_that_stand_together_count_more() -> None:
    together = one("sales manager", "ask the sales manager").adjoining
    apart = one("sales manager", "sales are good" + " and more" * 10 + " says the manager").adjoining
    assert (together, apart) == (1, 0)


def test_a_title_counts_by_its_own_words() -> None:
    assert one("discount approval", title="Discount approval").titled == 1
    assert one("discount approval", title="Discount approval, limits and reasons").titled == 0.5
    assert one("how about it", title="").titled == 0


def test_codes_are_present_missing_or_named() -> None:
    found = one("E501 and B006", "See E501.", title="Line too long (E501)")
    assert (found.present, found.missing, found.named) == (0.5, 0.5, 0.5)
    found = one("line length", "See E501.", title="Line too long (E501)")
    assert (found.present, found.missing, found.named) == (0, 0, 0)


@pytest.mark.parametrize("similar", [True, False], ids=["with embeddings", "text only"])
def test_the_right_chunk_clears_the_usual_threshold_and_others_do_not(similar: bool) -> None:
    hits = [Hit(WRONG, 0.1 if similar else None, None), Hit(RIGHT, 0.6 if similar else None, 9.0)]
    wrong, right = scores(asked("Who approves a discount?"), hits)
    assert wrong < 0.1
    assert right > 0.5


def test_a_score_does_not_depend_on_what_else_was_found() -> None:
    question = asked("Who approves a discount?")
    (alone,) = scores(question, [Hit(RIGHT, 0.6, 9.0)])
    assert scores(question, [Hit(WRONG, 0.1, None), Hit(RIGHT, 0.6, 9.0)])[1] == alone


def test_nothing_found() -> None:
    assert scores(asked("anything"), []) == []
