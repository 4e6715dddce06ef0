"""The figures of an evaluation equal those calculated by hand, and the page shows them."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from evaluation import report as evaluation_report
from evaluation.metrics import Gap, Roc, Share, calibration_error_interval
from evaluation.plots import draw_confusion, svg
from evaluation.recognition import CONFUSION, NOBODY, Evaluation, Probe, ProbeResult, evaluate
from evaluation.report import NOT_KNOWN, NOT_USED, PAGE, STRANGER_NAMED, WRONG_NAME, write_page
from model.bundle import Manifest
from model.recognizer import Face, Prediction, Recognition
from preprocess.appearance import Appearance, Pose, Quality
from preprocess.detect import Box
from preprocess.errors import NoFaceError
from preprocess.geometry import Geometry
from preprocess.names import printable
from training.reliability import Reliability

FACE = (Box(0, 0, 9, 9, 1), Appearance(Pose(0, 0, 0), Quality(9, 100, 100, 1, 1), ()))
RESULTS = [
    ProbeResult("1", "Ann", "Ann", "Ann", 0.9, 0.95, 0.9),
    ProbeResult("2", "Ann", None, "Ann", 0.4, 0.65, 0.4),  # taken for a stranger
    ProbeResult("3", "Bob", "Ann", "Ann", 0.8, 0.75, 0.8),
    ProbeResult("4", "Bob", "Bob", "Bob", 0.9, 0.85, 0.9),
    ProbeResult("5", None, None, "Bob", 0.2, 0.5, 0.2),
    ProbeResult("6", None, "Bob", "Bob", 0.7, 0.55, 0.7),
    ProbeResult("7", "Bob", problem="No face was found."),
]


def evaluation_of(results, labels=("Ann", "Bob", "Cid")):
    description = {"version": "0123", "training": {"recipe": {"epochs": 15}, "fingerprint": "f00d"}}
    return Evaluation("0123", labels, results, 0.6, description)


@pytest.fixture
def evaluation():
    return evaluation_of(RESULTS)


def test_shares_are_of_photos_with_a_face(evaluation):
    figures = evaluation.to_dict()
    assert (figures["photos"], figures["with_a_face"]) == (7, 6)
    assert (figures["known"]["photos"], figures["known"]["accuracy"], figures["known"]["recognised"]) == (
        4,
        0.75,
        0.5,
    )
    assert (figures["strangers"]["photos"], figures["strangers"]["taken_for_somebody"]) == (2, 0.5)


def test_a_known_face_reported_as_unknown_lowers_recall_but_not_precision(evaluation):
    people = evaluation.to_dict()["known"]["people"]
    assert {name: (p["precision"], p["recall"], p["photos"]) for name, p in people.items()} == {
        "Ann": (0.5, 0.5, 2),
        "Bob": (1.0, 0.5, 2),
    }


def test_confusion_has_a_row_for_everybody_who_was_shown(evaluation):
    counts, rows, columns = evaluation.confusion()
    assert (rows, columns) == (["Ann", "Bob", NOBODY], ["Ann", "Bob", "Cid", NOBODY])
    np.testing.assert_array_equal(counts, [[1, 0, 0, 1], [1, 1, 0, 0], [0, 1, 0, 1]])


@pytest.mark.parametrize("others", [RESULTS, []], ids=["beside known people", "alone"])
def test_confusion_has_a_row_for_people_whom_the_model_does_not_know(others):
    counts, rows, columns = evaluation_of([*others, ProbeResult("8", "Dan", "Bob", "Bob", 0.7, 0.55, 0.7)]).confusion()
    assert columns == ["Ann", "Bob", "Cid", NOBODY]
    assert counts[rows.index("Dan")].tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize("results", [[], RESULTS[4:6], RESULTS[6:]], ids=["none", "strangers", "no face"])
def test_without_known_faces_there_are_no_shares(results):
    known = evaluation_of(results).to_dict()["known"]
    assert (known.pop("photos"), known.pop("people")) == (0, {})
    assert set(known.values()) == {None}


def test_figures_and_picture_are_written(evaluation, tmp_path):
    evaluation.write(tmp_path / "new")
    assert json.loads((tmp_path / "new" / Evaluation.FILE).read_text(encoding="utf-8")) == evaluation.to_dict()
    assert (tmp_path / "new" / CONFUSION).read_bytes().startswith(b"\x89PNG")


def test_figures_are_written_when_no_photo_has_a_face(tmp_path):
    evaluation_of(RESULTS[6:]).write(tmp_path)
    (file,) = tmp_path.iterdir()
    figures = json.loads(file.read_text(encoding="utf-8"))
    assert (figures["photos"], figures["with_a_face"]) == (1, 0)


class Stub:
    """A fake recognizer: it answers Ann for every photo, and finds no face in an empty one."""

    manifest = Manifest(
        labels=("Ann",),
        geometry=Geometry(224, 0.8),
        threshold=0.6,
        temperature=1.0,
        calibration={},
        metrics={},
        training={"fingerprint": "f00d"},
        libraries={},
        files={},
        version="0123",
    )
    people = ("Ann", "Bob")

    def recognize(self, data):
        if not data:
            raise NoFaceError("No face was found.")
        ann = Prediction("Ann", 0.9, enrolled=False, id="a")
        face = Face(*FACE, None, 0.9, 0.5, score=0.5, known=False, enrolled=False, id=None, predictions=(ann,))
        return Recognition((face,), 9, 9, "0123", {})


def test_every_probe_gets_a_result_or_a_problem(tmp_path):
    photo, empty = tmp_path / "photo", tmp_path / "empty"
    photo.write_bytes(b"photo")
    empty.touch()
    reported = []
    done = evaluate(Stub(), [Probe(photo, "Ann"), Probe(empty, None)], lambda *what: reported.append(what))
    assert done.results == [
        ProbeResult(str(photo), "Ann", None, "Ann", 0.5, 0.9, 0.5),
        ProbeResult(str(empty), None, problem="No face was found."),
    ]
    assert reported == [(1, 2), (2, 2)]


class OlderStub(Stub):
    """A recognizer whose bundle has a name in NFD, as a folder from a Mac does."""

    people = ("Zoe\u0308",)

    def recognize(self, data):
        zoe = Prediction("Zoe\u0308", 0.9, enrolled=False, id="a")
        face = Face(*FACE, zoe.label, 0.9, 0.7, score=0.7, known=True, enrolled=False, id="a", predictions=(zoe,))
        return Recognition((face,), 9, 9, "0123", {})


@pytest.mark.parametrize("person", ["Zo\u00eb", "Zoe\u0308", "ZO\u00cb"])
def test_an_answer_is_right_however_bundle_and_folder_spell_the_name(tmp_path, person):
    photo = tmp_path / "photo"
    photo.write_bytes(b"photo")
    done = evaluate(OlderStub(), [Probe(photo, person)], lambda *what: None)
    assert (done.accuracy.value, done.recognised.value) == (1.0, 1.0)
    assert list(done.people()) == ["Zo\u00eb"]


@pytest.mark.parametrize("name", ["\udcff.jpg", "a\nb.jpg", "a\u2028b.jpg", "x" * 255, "$x$"], ids=ascii)
def test_a_photo_of_any_name_is_in_the_figures_and_on_the_page(tmp_path, name):
    photo = tmp_path / name
    photo.write_bytes(b"photo")
    done = evaluate(Stub(), [Probe(photo, "Ann"), Probe(tmp_path / "gone.jpg", "Ann")], lambda *what: None)
    done.write(tmp_path)
    write_page(done, tmp_path / PAGE)
    shown = printable(str(photo))
    assert json.loads((tmp_path / Evaluation.FILE).read_text(encoding="utf-8"))["verdicts"][0]["photo"] == shown
    assert shown in (tmp_path / PAGE).read_text(encoding="utf-8")
    assert done.results[1].problem == "The file cannot be read: No such file or directory."


def test_an_evaluation_says_what_was_evaluated():
    done = evaluate(Stub(), [], lambda *what: None)
    assert (done.version, done.labels, done.threshold) == ("0123", ("Ann", "Bob"), 0.6)
    assert done.bundle["training"] == {"fingerprint": "f00d"}


def results_of(group, right, wrong, person="Ann"):
    """Return results of a group: so many with the right name, and so many that are not recognised."""
    label = person or "Bob"
    return [ProbeResult("1", person, label, label, 0.9, 0.9, 0.9, group=group)] * right + [
        ProbeResult("2", person, None, "Cid", 0.2, 0.3, 0.2, group=group)
    ] * wrong


@pytest.fixture
def grouped():
    """Three groups, of which the last is small, strangers in two of them, and photos in no group."""
    known = results_of("a", 40, 0) + results_of("b", 30, 10) + results_of("small", 0, 3)
    return evaluation_of([*known, *results_of("a", 1, 29, None), *results_of("b", 6, 24, None), *RESULTS])


def test_each_group_has_the_figures_of_its_photos(grouped):
    figures = grouped.to_dict()["groups"]
    assert list(figures["figures"]) == ["a", "b", "small"]
    b = figures["figures"]["b"]
    assert (b["photos"], b["known"], b["strangers"]) == (70, 40, 30)
    assert (b["recognised"], b["recognised_interval"]) == (0.75, Share(30, 40).interval)
    assert (b["taken_for_somebody"], b["with_a_face"]) == (0.2, 1.0)
    assert figures["figures"]["small"]["taken_for_somebody_interval"] is None
    assert figures["photos_in_no_group"] == len(RESULTS)


def test_the_largest_gap_is_between_groups_with_enough_photos(grouped):
    gap = grouped.to_dict()["groups"]["gaps"]["recognised"]
    assert (gap["low"], gap["high"], gap["difference"]) == ("b", "a", 0.25)
    assert grouped.gaps()["taken_for_somebody"].difference == pytest.approx(5 / 30)


def test_between_small_groups_there_is_no_gap():
    done = evaluation_of([*results_of("a", 40, 0), *results_of("b", 0, 19)])
    assert done.gaps()["recognised"] is None


def test_equal_groups_have_a_gap_of_nothing():
    gap = evaluation_of([*results_of("a", 20, 20), *results_of("b", 20, 20)]).gaps()["recognised"]
    assert gap.difference == 0
    assert gap.interval[0] == pytest.approx(-gap.interval[1])


def test_without_groups_there_is_nothing_about_them(evaluation, tmp_path):
    assert evaluation.to_dict()["groups"] is None
    assert "<h2>Groups</h2>" not in page_of(evaluation, tmp_path)


def test_the_page_shows_groups_and_gaps(grouped, tmp_path):
    page = page_of(grouped, tmp_path).replace("\N{NO-BREAK SPACE}", " ")
    table = page.partition("<h2>Groups</h2>")[2].partition("</table>")[0]
    assert "75.0 %" in table
    assert "25.0 %" in table


def test_the_interval_of_a_gap_matches_published_values():
    """Newcombe 1998, "Interval estimation for the difference between independent proportions", table II, method 10."""
    gap = Gap.of({"a": Share(48, 80), "b": Share(56, 70)})
    assert gap.interval == pytest.approx([0.0524, 0.3339], abs=5e-5)


def test_the_wilson_interval_matches_published_values():
    """Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3."""
    assert Share(81, 263).interval == pytest.approx([0.2553, 0.3662], abs=5e-5)
    assert Share(0, 20).interval == pytest.approx([0.0, 0.1611], abs=5e-5)


def test_a_share_of_nothing_has_no_interval():
    assert Share(0, 0).interval is None


def test_every_share_has_its_interval(evaluation):
    figures = evaluation.to_dict()
    assert figures["with_a_face_interval"] == Share(6, 7).interval
    assert figures["known"]["accuracy_interval"] == Share(3, 4).interval
    assert figures["known"]["recognised_interval"] == Share(2, 4).interval
    assert figures["known"]["people"]["Ann"]["recall_interval"] == Share(1, 2).interval
    assert figures["strangers"]["taken_for_somebody_interval"] == Share(1, 2).interval


def test_the_calibration_error_weighs_each_bin_by_its_answers():
    probabilities = np.array([0.9, 0.9, 0.9, 0.9, 0.3, 0.3])
    right = np.array([True, True, True, False, False, False])
    assert Reliability.of(probabilities, right).error == pytest.approx((4 * 0.15 + 2 * 0.3) / 6)


def test_a_bin_includes_its_upper_edge_but_not_its_lower_one():
    counts = Reliability.of(np.array([0.0, 0.5, 1.0]), np.ones(3, dtype=bool), bins=2).counts
    np.testing.assert_array_equal(counts, [2, 1])


def test_answers_whose_probability_equals_their_accuracy_have_no_calibration_error():
    assert Reliability.of(np.ones(5), np.ones(5, dtype=bool)).error == 0


def test_the_calibration_error_is_that_of_known_faces_likeliest_names(evaluation):
    """Each of the four lies in a bin of its own; the third is wrong."""
    error = evaluation.to_dict()["known"]["expected_calibration_error"]
    assert error == pytest.approx((0.05 + 0.35 + 0.75 + 0.15) / 4)


def test_the_interval_of_the_calibration_error_holds_it(evaluation):
    known = evaluation.to_dict()["known"]
    low, high = known["expected_calibration_error_interval"]
    assert low < known["expected_calibration_error"] < high


def test_a_single_answer_has_no_interval_of_its_calibration_error():
    assert calibration_error_interval(np.array([0.9]), np.array([True])) is None


def test_the_roc_marks_the_point_of_the_threshold():
    """A face at the threshold counts as known."""
    roc = Roc.of([0.9, 0.6, 0.4], [0.7, 0.1], 0.6)
    assert roc.chosen == pytest.approx((1 / 2, 2 / 3))


def test_only_known_faces_with_the_right_name_are_genuine(evaluation):
    """The stranger at 0.7 lies over the right names at 0.9 twice, and under it is that at 0.4."""
    roc = evaluation.roc()
    points = list(zip(roc.false_accepts, roc.true_accepts, strict=True))
    assert points == [(0, 0), (0, pytest.approx(2 / 3)), (0.5, pytest.approx(2 / 3)), (0.5, 1), (1, 1)]


def page_of(evaluation, folder):
    write_page(evaluation, folder / "report.html")
    return (folder / "report.html").read_text(encoding="utf-8")


def mistakes_in(page):
    """Return the text of the page's mistakes by kind, one string for each mistake."""
    _, *groups = re.split(r"<h3>", page.partition("<h2>What was evaluated")[0])
    found = {}
    for group in groups:
        heading, _, rest = group.partition("</h3>")
        texts = [" ".join(re.sub(r"<[^>]+>", " ", item).split()) for item in rest.split("<li>")[1:]]
        found[heading] = [text.replace("\N{NO-BREAK SPACE}", " ") for text in texts]
    return found


def test_the_page_shows_every_mistake_with_what_was_expected_and_said(evaluation, tmp_path):
    assert mistakes_in(page_of(evaluation, tmp_path)) == {
        f"{WRONG_NAME}: 1": ["no picture Expected Bob Answer Ann Probability 75.0 % Similarity 0.800 3"],
        f"{NOT_KNOWN}: 1": [
            f"no picture Expected Ann Answer {NOBODY} Most likely Ann Probability 65.0 % Similarity 0.400 2"
        ],
        f"{STRANGER_NAMED}: 1": ["no picture Expected a stranger Answer Bob Probability 55.0 % Similarity 0.700 6"],
        f"{NOT_USED}: 1": ["no picture Expected Bob Problem No face was found. 7"],
    }


def test_a_page_without_mistakes_says_so(tmp_path):
    assert "There are no mistakes." in page_of(evaluation_of(RESULTS[:1]), tmp_path)


def test_the_page_says_how_many_photos_are_copies(evaluation, tmp_path):
    copies = {"photos": 4, "pictures": 2, "unknown": 0}
    assert "4 photos are copies of 2 pictures" in page_of(replace(evaluation, copies=copies), tmp_path)
    assert "copies" not in page_of(evaluation, tmp_path)


def test_a_mistake_has_its_picture_inside_the_page(tmp_path):
    photo = tmp_path / "photo.png"
    Image.new("RGB", (640, 480), "red").save(photo)
    page = page_of(evaluation_of([replace(RESULTS[2], photo=str(photo))]), tmp_path)
    assert '<img src="data:image/jpeg;base64,' in page


def test_pictures_beyond_the_limit_are_left_out_and_counted(evaluation, tmp_path, monkeypatch):
    monkeypatch.setattr(evaluation_report, "MAX_THUMBNAILS", 1)
    page = page_of(evaluation, tmp_path)
    assert "Only the first 1 mistakes have a picture; the other 3 are listed without one." in page


def test_names_in_the_page_are_text(tmp_path):
    name = '<b onclick="x">&$x$'
    page = page_of(evaluation_of([ProbeResult(f"{name}.jpg", name, "Ann", "Ann", 0.9, 0.9)], ("Ann", name)), tmp_path)
    assert "<b onclick" not in page
    assert page.count("&lt;b onclick=") >= 4  # table, both sides of the matrix, mistake


def test_without_strangers_a_sentence_replaces_the_roc(tmp_path):
    page = page_of(evaluation_of(RESULTS[:4]), tmp_path)
    assert "There is no ROC" in page
    assert "Receiver operating characteristic" not in page


@pytest.mark.parametrize("results", [[], RESULTS[4:6], RESULTS[6:]], ids=["none", "strangers", "no face"])
def test_without_known_faces_a_sentence_replaces_the_calibration_plot(results, tmp_path):
    assert "There is no reliability diagram" in page_of(evaluation_of(results), tmp_path)


def test_the_page_needs_no_other_file(evaluation, tmp_path):
    page = page_of(evaluation, tmp_path)
    references = re.findall(r'(?:src|href|action|poster|srcset)\s*=\s*"([^"]*)', page) + re.findall(
        r"url\(([^)]*)", page
    )
    assert references
    assert [reference for reference in references if not reference.startswith(("data:image/", "#", '"#'))] == []
    assert not re.search(r"<(script|link|iframe|object|embed)\b|@import", page)


def test_every_plot_says_in_words_what_it_shows(evaluation, tmp_path):
    page = page_of(evaluation, tmp_path)
    assert page.count("<svg") == 3
    assert len(re.findall(r'role="img" aria-label="[^"]{20,}"><svg', page)) == 3


def test_no_two_elements_of_the_page_share_an_id(evaluation, tmp_path):
    ids = re.findall(r'\bid="([^"]+)"', page_of(evaluation, tmp_path))
    assert len(ids) == len(set(ids))


def test_the_page_shows_whatever_the_manifest_says(tmp_path):
    said = {"training": {"recipe": {"epochs": 15}, "new": [1, 0.25], "newer": None}}
    page = page_of(replace(evaluation_of([]), bundle=said), tmp_path)
    assert re.search(r"training: recipe</summary>\s*<dl>\s*<dt>epochs</dt><dd>15</dd>", page)
    assert "<dt>new</dt><dd>1, 0.25</dd>" in page


def test_a_confusion_matrix_of_a_thousand_people_can_be_drawn():
    names = [f"person {number}" for number in range(1000)]
    width, height = draw_confusion(np.eye(1000, dtype=np.int64)[:2], names[:2], names).get_size_inches()
    assert width * 150 < 1 << 16
    assert height * 150 < 1 << 16


def test_the_ink_of_an_inline_plot_is_the_text_color_of_the_page():
    drawn = svg(draw_confusion(np.array([[1]]), ["Ann"], ["Ann"]), "confusion")
    assert "currentColor" in drawn
    assert "#1f2933" not in drawn
