"""The picture in the README shows what `plan` prints today."""

import pytest

from tests.readme.picture import PICTURE, colored_plan, plain, words

pytestmark = pytest.mark.every_day


def test_the_picture_has_the_words_of_the_plan() -> None:
    assert plain(colored_plan()) in words(PICTURE.read_text(encoding="utf-8"))
