import pytest

from searchd.text.language import detect, primary


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("Wie kann ich einen Termin beim Bürgeramt vereinbaren?", "de"),
        ("How do I rename a branch?", "en"),
        ("¿Cuánto cuesta la entrada para niños?", "es"),
        ("Où puis-je renouveler mon passeport ?", "fr"),
        ("Come posso annullare la mia iscrizione?", "it"),
        ("Hoe laat gaat de winkel vandaag open?", "nl"),
        ("Como faço para cancelar a minha encomenda?", "pt"),
        ("Как восстановить забытый пароль?", "ru"),
        ("パスワードを忘れた場合はどうすればいいですか", "ja"),
        ("如何重置我的密码？", "zh"),
        ("비밀번호를 잊어버렸어요", "ko"),
        ("Şifremi unuttum, ne yapmalıyım?", "tr"),
        ("Hvordan kan jeg betale min regning?", "da"),
    ],
)
def test_a_question_tells_its_language(text: str, lang: str) -> None:
    assert detect(text, ("de", "en", lang)) == lang


def test_a_german_question_on_an_english_site_is_german() -> None:
    assert detect("Wie kann ich einen Zweig umbenennen?", ("en",)) == "de"


def test_three_words_follow_the_language_of_the_site() -> None:
    assert detect("Clone a local repository", ("en",)) == "en"


@pytest.mark.parametrize("text", ["", "   ", "12345", "?!", "\u0000", "-- //"])
def test_text_without_letters_has_no_language(text: str) -> None:
    assert detect(text) == ""


@pytest.mark.parametrize(
    ("tag", "lang"), [("de-AT", "de"), ("EN_us", "en"), ("zh-Hant-TW", "zh"), ("nb", "no"), ("", ""), (" fr ", "fr")]
)
def test_a_language_tag_is_cut_to_its_primary_part(tag: str, lang: str) -> None:
    assert primary(tag) == lang
