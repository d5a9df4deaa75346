"""The encoding of a file that is not UTF-8, by the words that are in it."""

import random

import pytest

from backoffice.readers.source import open_source

WESTERN = {
    "Spanish": "Núñez Muñoz García López Peña Ibáñez José María Ángel Íñigo Óscar Cañón Ávila"
    " Córdoba León Martínez Cigüeña Niño Señora Años Sánchez Rubén Sofía Coruña Zúñiga",
    "Portuguese": "João Conceição Ação Irmã Você Três Órgão Mãe Câmara Avó Antônio Simões Água"
    " Guimarães Magalhães Açores Lourenço Gonçalves Inês Família Coração Pão Maçã Belém",
    "French": "Françoise Hélène Noël Zoë Château Bibliothèque L’été Éric Œuvre Cœur Forêt Où"
    " Maïs Benoît Geneviève Théâtre Jérôme Loïc Mère Aïcha Côte Québec Montréal",
    "German": "Müller Straße Bücherei Köln Schröder Größe Äpfel Österreich Übung Weiß Böll Tür",
    "Nordic": "Søren Ærø Århus Kjærgaard Ø Læsø Bodø Tromsø Blåbær Göteborg Växjö Öberg Ängel"
    " Þórður Guðrún Sigríður Ísafjörður Ævar Reykjavík Jyväskylä Mäkinen Kierkegård",
    "Italian": "Città Perché Nicolò Lunedì Più Così È Libertà Caffè Forlì Cantù Virtù Gesù Già",
    "mixed": "Brontë Café Smith–Jones O’Hara “Quoted” Ångström Gödel Gábor 20°C Señor Crüe"
    " Col·lecció Àngel Renée Škoda Citroën €5 Antonín Béla Bartók Curaçao",
}
OTHERS = {
    "Czech": "cp1250 Městská Třebíč Dvořák Němcová Čapek Čtenář Příbram Říčany Hašek Třetí"
    " Škvorecký Šťastný Kůň Dům Věra Jiří Ondřej Václav Plzeň Náměstí Přátelé Novák",
    "Polish": "cp1250 Łódź Wisława Paweł Małgorzata Śląska Wałęsa Książka Żeromski Światło"
    " Bolesław Wyspiański Miłosz Kraków Gdańsk Stanisław Mrożek Gałczyński Święto Toruń",
    "Hungarian": "cp1250 Gyűjtemény Szabó Könyvtár Petőfi Sándor József Erdő Jövő Szőlő Győr"
    " Szűcs Ősz Műve Időkép Magyarország Örkény Széchenyi Kertész Márai Hűség",
    "Slovak": "cp1250 Mestská knižnica Žilina Štúr Ľudovít Šafárik Dobšinský Kukučín Vŕba Kŕdeľ"
    " Ďuriš Mňačko Ťažký Slovenčina Ľalia Dôvera Stôl čitáreň",
    "Romanian": "cp1250 Luceafăr Bibliotecă Braşov Iaşi Ţară Constanţa Timişoara Cărtărescu"
    " Păsări Câmpulung Înainte Bucureşti Creangă copilărie Vânătoare Piaţa Naţională",
    "Latvian": "cp1257 Rīga Jūrmala Liepāja Bibliotēka Jānis Zvaigžņu Bērnu Latviešu Pļaviņas"
    " Ģimene Ķekava Ērgļi grāmata Rēzekne Zieměļi Māra".replace("ě", "e"),
    "Lithuanian": "cp1257 Šiauliai Žemaitė Ąžuolas Mažvydas Metų Čiurlionis Švietimas Kėdainiai"
    " Panevėžys Jūratė Ugnė Lietuvių žodynas Mėnulis Rūta Įkvėpimas Žąsis",
    "Turkish": "cp1254 Ayşe Işık Oğuz Çağlar Güneş Şahin Kütüphanesi Yaşar Kırmızı Eskişehir"
    " Çanakkale Şeker Beyoğlu Gümüşhane Iğdır Ağrı Değirmen Kılıç Öğretmen Çocuk Barış",
    "Russian": "cp1251 Иван Библиотека имени Пушкина Толстой Достоевский Москва ДЕТСКАЯ ПЕТРОВ",
    "Russian, KOI8": "koi8-r Иван Библиотека имени Пушкина Толстой Достоевский Москва ДЕТСКАЯ",
    "Greek": "cp1253 Βιβλιοθήκη Αθηνών Καζαντζάκης Ελύτης Γιώργος Μαρία Θεσσαλονίκη ΑΘΗΝΑ",
    "Hebrew": "cp1255 ספרייה ירושלים אביב שלום כהן מרים חיפה",
    "Arabic": "cp1256 مكتبة القاهرة نجيب محفوظ محمد فاطمة الكتاب المدينة",
    "Japanese": "cp932 村上春樹 図書館 ノルウェイの森 東京 田中太郎 さくら 夏目漱石 アメリカ",
    "Japanese, EUC": "euc_jp 村上春樹 図書館 ノルウェイの森 東京 田中太郎 さくら 夏目漱石",
    "Korean": "cp949 도서관 서울 김철수 채식주의자 이영희 박경리 대한민국",
    "Chinese": "gb18030 图书馆 北京 王小明 上海 红楼梦 莫言 李白 人民",
    "Chinese, Taiwan": "big5 圖書館 臺北 王小明 紅樓夢 白先勇 高雄 國家 學生",
}


def read(saved, words, codec):
    """What the file of these words is read as, and its first warning."""
    rows = [
        f"{word} Branch,Main Street" if i % 2 else f"Central,{word}"
        for i, word in enumerate(words)
    ]
    text = "name,address\n" + "\n".join(rows) + "\n"
    source = open_source(saved(text.encode(codec)))
    return text.encode(codec).decode(source.encoding) == text, source.warnings[0]


@pytest.mark.parametrize("language", WESTERN)
def test_western_words_are_never_another_encoding(saved, language):
    words = WESTERN[language].split()
    chance = random.Random(language)  # noqa: S311 -- the same at each run
    lists = [[word] for word in words]
    lists += [chance.sample(words, min(count, len(words))) for count in range(2, 21)]
    lists += [[word.upper() for word in some] for some in lists[-10:]]
    for some in lists:
        is_right, warning = read(saved, some, "cp1252")
        assert is_right, (some, warning)


@pytest.mark.parametrize("language", OTHERS)
def test_words_of_other_languages_are_read_where_they_are_evidence(saved, language):
    codec, *words = OTHERS[language].split()
    chance = random.Random(language)  # noqa: S311 -- the same at each run
    for count in (10, 12, 15, 20):
        some = chance.sample(words, min(count, len(words)))
        is_right, warning = read(saved, some, codec)
        assert is_right, (some, warning)
        assert any(f"“{word}”" in warning for word in some)


@pytest.mark.parametrize("names", [[], ["Muñoz"], ["Müller", "Café"]], ids=len)
@pytest.mark.parametrize(
    "signs",
    ["£12.50 £7.99 £5", "12.50£", "¥100 ¥2500", "50¢ 75¢", "12¾ 221½ 3¼", "3×4 6÷2", "5m² 7m²"],
)
def test_prices_and_fractions_are_no_letters_of_another_language(saved, signs, names):
    is_right, warning = read(saved, [*names, *signs.split()], "cp1252")
    assert is_right, warning


@pytest.mark.parametrize("names", [[], ["Muñoz"], ["Müller", "Café"]], ids=len)
@pytest.mark.parametrize("word", ["CAFÉ’S", "CAFÉ–BAR", "„Spieß“", "Groß™", "café…’"])
def test_western_words_that_decode_as_utf_8_by_chance_are_cp1252_and_told(saved, word, names):
    is_right, warning = read(saved, [*names, word], "cp1252")
    assert is_right, warning
    assert any(each.strip("„“’…") in warning for each in (*names, word))


@pytest.mark.parametrize(
    "word",
    [
        "Kɔfi",
        "Hawaiʻi",
        "HAWAIʻI",
        "ʻOahu",
        "µm",
        "αTest",
        "CAFÉ’S",
        "Café",
        "Ωmega",
        "ﬂower",
        "B级",
    ],
)
def test_utf_8_with_two_alphabets_in_a_word_is_proven(saved, word):
    source = open_source(saved(f"name,address\nCentral,{word}\n".encode()))
    assert (source.encoding, source.warnings) == ("utf-8", [])
