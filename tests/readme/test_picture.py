"""The picture in the README shows what `plan` prints today."""

from tests.readme.picture import PICTURE, colored_plan, plain, words


def test_the_picture_has_the_words_of_the_plan() -> None:
    assert plain(colored_plan()) in words(PICTURE.read_text(encoding="utf-8"))
