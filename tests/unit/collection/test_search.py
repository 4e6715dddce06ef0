"""A face finds the photos in which it is, best first, and what passes a bar is what verification lets pass."""

from dataclasses import replace

import numpy as np
import pytest

from batch import parts
from batch.parts import Part
from collection import face_index
from collection.search import LIKELY, POSSIBLE, bars_for, scan, search, to_single
from model.cohort import Cohort
from model.verification import CAUTIOUS, compare, threshold_at
from tests.crowds import crowd, faces_of, measured

PEOPLE, EACH = 60, 5
A_PART = 20


@pytest.fixture
def crowded(output):
    """The photos of a crowd, one face each, in parts; returns the embeddings and whose they are."""
    embeddings, owners = faces_of(crowd(PEOPLE), EACH)
    order = np.random.default_rng(5).permutation(len(owners))
    embeddings, owners = embeddings[order], owners[order]
    for start in range(0, len(owners), A_PART):
        rows = [row(f"{number}.jpg", owners[number]) for number in range(start, start + A_PART)]
        write(output, f"part{start:04}", rows, embeddings[start : start + A_PART])
    return embeddings, owners


def row(photo, *labels):
    faces = [{"box": {"left": number}, "label": str(label)} for number, label in enumerate(labels)]
    return {
        "photo": photo, "etag": "1", "bytes": 1, "status": "unknown", "faces": faces, "model": "m", "roster": None,
    }  # fmt: skip


def write(output, name, rows, embeddings):
    parts.write(output, Part(name, rows, np.asarray(embeddings, np.float16)))


def found(output, tmp_path, face, cohort=None, top=20, **options):
    index = face_index.update(output, tmp_path / "index")
    cohort = cohort or measured()
    return search(output, index, face, cohort, bars_for(cohort, len(index), **options), "m", top)


def test_the_photos_of_one_person_are_found_and_the_best_one_comes_first(output, crowded, tmp_path):
    embeddings, owners = crowded
    hits = found(output, tmp_path, embeddings[7]).hits
    assert hits[0].row["photo"] == "7.jpg"
    assert {hit.row["photo"] for hit in hits[:EACH]} == {
        f"{number}.jpg" for number in np.flatnonzero(owners == owners[7])
    }
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(
    "cohort", [measured(0.2), measured(), Cohort.unmeasured()], ids=["mean", "no mean", "unmeasured"]
)
def test_it_finds_exactly_the_faces_that_verification_lets_pass(output, crowded, tmp_path, cohort):
    embeddings, _ = crowded
    stored = embeddings.astype(np.float16).astype(np.float32)
    similarities, scores = compare(embeddings[3][None], stored, cohort)
    judged = scores[0] if len(cohort.verification) else similarities[0]
    bar = cohort.verification[1] if len(cohort.verification) else CAUTIOUS
    answer = found(output, tmp_path, embeddings[3], cohort, top=1000)
    expected = [f"{number}.jpg" for number in np.argsort(-judged) if judged[number] >= bar]
    assert [hit.row["photo"] for hit in answer.hits] == expected
    assert answer.possible == len(expected)
    assert answer.nearest == pytest.approx(similarities.max(), abs=0.002)


def test_the_similarities_of_the_scan_are_those_of_verification(output, crowded, tmp_path):
    embeddings, _ = crowded
    index = face_index.update(output, tmp_path / "index")
    seen = scan(index, embeddings[0], measured(0.3))
    exact = compare(embeddings[0][None], np.asarray(index.embeddings(), np.float32), measured(0.3))[0][0]
    assert np.abs(seen - exact).max() < 0.002


def test_a_photo_with_several_faces_is_listed_once_with_the_best_of_them(output, tmp_path):
    face, alike = faces_of(crowd(1), 2, spread=0.3)[0]
    write(output, "one", [row("group.jpg", "ann", "bob", "cid"), row("empty.jpg"), row("other.jpg", "bob")],
          [alike, face, crowd(1, 8)[0], alike])  # fmt: skip
    hits = found(output, tmp_path, face).hits
    assert [(hit.row["photo"], hit.face) for hit in hits] == [("group.jpg", 2), ("other.jpg", 1)]


def test_only_the_parts_of_the_photos_that_are_listed_are_read(output, crowded, tmp_path):
    embeddings, _ = crowded
    face_index.update(output, tmp_path / "index")
    output.reads.clear()
    (hit,) = found(output, tmp_path, embeddings[0], top=1).hits
    assert output.reads == {f"parts/{hit.part}.jsonl.gz": 1}


def test_the_bar_of_likely_faces_rises_with_the_number_of_faces_and_that_of_possible_ones_does_not():
    cohort = measured()
    bars = [bars_for(cohort, faces) for faces in (10, 1000, 100_000, 1_000_000)]
    assert [bar.possible for bar in bars] == [pytest.approx(0.07)] * 4
    assert bars[0].likely == bars[1].likely == bars[0].possible < bars[2].likely < bars[3].likely
    assert [bar.likely_strangers for bar in bars] == pytest.approx([0.01, 1, 1, 1])
    assert [bar.possible_strangers for bar in bars] == pytest.approx([0.01, 1, 100, 1000])


def test_fewer_strangers_raise_the_bar():
    assert bars_for(measured(), 10_000, strangers=0.1).likely > bars_for(measured(), 10_000).likely


def test_a_face_below_the_bar_of_likely_ones_is_possible(output, crowded, tmp_path):
    embeddings, _ = crowded
    cohort = replace(measured(), verification=np.array([0.001, -0.2, 0], np.float32))
    answer = found(output, tmp_path, embeddings[0], cohort, top=1000, strangers=1e-3)
    assert {hit.match for hit in answer.hits} == {LIKELY, POSSIBLE}
    assert answer.likely == sum(hit.match == LIKELY for hit in answer.hits)
    assert all((hit.score >= answer.bars.likely) == (hit.match == LIKELY) for hit in answer.hits)


def test_a_threshold_for_rarer_pairs_is_higher_and_the_measured_one_stays():
    thresholds = [threshold_at(measured(), rate) for rate in (0.5, 0.001, 1e-4, 1e-5, 1e-7)]
    assert thresholds[:2] == [pytest.approx(0.07)] * 2
    assert thresholds[1:] == sorted(thresholds[1:])
    assert len(set(thresholds)) == 4


def test_nothing_like_the_face_is_no_error(output, crowded, tmp_path):
    cohort = replace(measured(), verification=np.array([0.001, 0.3, 0], np.float32))
    answer = found(output, tmp_path, crowd(1, seed=77)[0], cohort)
    assert (answer.hits, answer.possible, answer.faces) == ((), 0, PEOPLE * EACH)
    assert -1 < answer.nearest < 0.3


def test_an_output_without_faces_has_nothing(output, tmp_path):
    write(output, "one", [row("empty.jpg")], np.empty((0, 512)))
    answer = found(output, tmp_path, crowd(1)[0])
    assert (answer.hits, answer.faces, answer.nearest) == ((), 0, None)


def test_damaged_rows_are_named_and_the_other_parts_searched(output, crowded, tmp_path):
    embeddings, owners = crowded
    output.write("parts/part0000.jsonl.gz", b"no gzip")
    answer = found(output, tmp_path, embeddings[0], top=1000)
    assert answer.damaged == ("part0000",)
    elsewhere = [number for number in np.flatnonzero(owners == owners[0]) if number >= A_PART]
    assert {f"{number}.jpg" for number in elsewhere} <= {hit.row["photo"] for hit in answer.hits}


def test_rows_that_do_not_fit_the_embeddings_are_damaged(output, tmp_path):
    face = crowd(1)[0]
    write(output, "one", [row("a.jpg", "ann")], [face])
    write(output, "two", [row("b.jpg", "ann")], [face, face])
    answer = found(output, tmp_path, face)
    assert ([hit.row["photo"] for hit in answer.hits], answer.damaged) == (["a.jpg"], ("two",))


def test_a_part_that_a_running_batch_removes_is_no_damage(output, tmp_path):
    face = crowd(1)[0]
    write(output, "one", [row("a.jpg", "ann")], [face])
    index = face_index.update(output, tmp_path / "index")
    parts.remove(output, "one")
    answer = search(output, index, face, measured(), bars_for(measured(), len(index)), "m", 20)
    assert (answer.hits, answer.damaged) == ((), ())


def test_embeddings_that_are_no_numbers_match_nobody(output, tmp_path):
    face = crowd(1)[0]
    write(output, "one", [row("a.jpg", "ann"), row("b.jpg", "bob")], [np.full(512, np.nan), face])
    assert [hit.row["photo"] for hit in found(output, tmp_path, face).hits] == ["b.jpg"]


def test_rows_of_another_model_are_left_out_while_an_output_is_done_again(output, tmp_path):
    face = crowd(1)[0]
    write(output, "old", [row("a.jpg", "ann") | {"model": "former"}], [face])
    write(output, "new", [row("b.jpg", "ann")], [face])
    assert [hit.row["photo"] for hit in found(output, tmp_path, face).hits] == ["b.jpg"]


def test_every_finite_half_float_is_converted_as_numpy_does():
    bits = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    finite = bits[np.isfinite(bits)]
    assert (to_single(finite, np.empty(len(finite), np.float32)) == finite.astype(np.float32)).all()


def test_an_index_that_is_cut_off_meanwhile_is_an_error(output, tmp_path):
    write(output, "one", [row("a.jpg", "ann")], [crowd(1)[0]])
    index = face_index.update(output, tmp_path / "index")
    index.path.write_bytes(b"short")
    with pytest.raises(OSError, match="Run the same command again"):
        scan(index, crowd(1)[0], measured())
