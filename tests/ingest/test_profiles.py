"""What the agency sets of a source on top of its file: headers, words, programs, dates; and words nobody mapped."""

import pytest

from core.errors import Invalid
from core.ingest import feeds, pipeline, profiles
from core.models import AuditEntry, Client, Enrollment, ImportBatch, Program, SourceSettings, Staff, UnmappedValue

pytestmark = pytest.mark.django_db
INES = "S-1,Vidal,Ines,1985-01-31"


def take(text: str, *, name: str = "a.csv", source: str = "SMIS") -> ImportBatch:
    report = pipeline.take(
        text.encode(),
        file_name=name,
        source=source,
        actor=None,
        options=pipeline.Options(writes_files=False, repeat=True),
    )
    return ImportBatch.objects.get(pk=report.batch_id)


def configure(actor: Staff, **values: object) -> SourceSettings:
    return feeds.configure("SMIS", actor=actor, values=values)


HEAD = "SMIS Client No,Surname,Given Name,DOB"


def test_a_header_of_ones_own_is_read(coordinator: Staff) -> None:
    text = f"{HEAD},Sex\n{INES},F\n"
    assert "“Sex”" in take(text).notes[0]
    configure(coordinator, header_aliases={"Sex": "gender"})
    batch = take(text)
    assert batch.notes == []
    assert Client.objects.get().gender == "Woman"
    assert profiles.effective("SMIS").called("gender") == "Gender Identity"
    assert profiles.effective("EMHWare").headers.get("sex") is None


def test_words_are_mapped_and_no_longer_counted(coordinator: Staff) -> None:
    text = f"{HEAD},Gender Identity\n{INES},Frau\nS-2,Li,Bo,1970-02-03,Frau\nS-3,Wu,Cy,1960-02-03,F\n"
    take(text)
    assert [(each.column, each.value, each.rows, each.files) for each in profiles.unmapped("SMIS")] == [
        ("gender", "Frau", 2, 1)
    ]
    take(text)
    assert UnmappedValue.objects.get().files == 2
    configure(coordinator, value_maps={"gender": {"Frau": "Woman"}})
    assert profiles.unmapped("SMIS") == []
    take(text)
    assert set(Client.objects.values_list("gender", flat=True)) == {"Woman"}


def test_words_of_every_kind_are_counted(coordinator: Staff) -> None:
    head = f"{HEAD},Language(s),Prov,Shelter,Intake Date"
    take(f"{head}\n{INES},Klingon;English,Bavaria,,\nS-2,Li,Bo,1970-02-03,Klingon,ON,Hostel Q,2026-01-05\n")
    assert [(each.column, each.value, each.rows) for each in profiles.unmapped("SMIS")] == [
        ("languages_spoken", "Klingon", 2),
        ("program", "Hostel Q", 1),
        ("province", "Bavaria", 1),
    ]
    assert profiles.unmapped("EMHWare") == []


def test_a_dry_run_counts_nothing() -> None:
    text = f"{HEAD},Gender Identity\n{INES},Frau\n".encode()
    how = pipeline.Options(writes_files=False, dry_run=True)
    pipeline.take(text, file_name="a.csv", source="SMIS", actor=None, options=how)
    assert not UnmappedValue.objects.exists()


def test_a_program_is_found_by_the_sources_own_name(coordinator: Staff, shelter: Program) -> None:
    text = f"{HEAD},Shelter,Admission Date\n{INES},HOSTEL-Q,2026-01-05\n"
    assert take(text).summary["rejected"] == 1
    configure(coordinator, program_names={"Hostel Q": str(shelter.pk)})
    assert take(text).summary["created"] == 1
    assert Enrollment.objects.get().program == shelter
    assert profiles.unmapped("SMIS") == []


def test_a_date_format_is_read_beside_the_files_own(coordinator: Staff) -> None:
    text = f"{HEAD}\nS-1,Vidal,Ines,31.01.1985\n"
    assert take(text).summary["rejected"] == 1
    configure(coordinator, date_formats=["%d.%m.%Y"])
    assert take(text).summary["created"] == 1


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"header_aliases": {"Sex": "shoe_size"}}, "no column “shoe_size”"),
        ({"header_aliases": {"Surname": "first_name"}}, "means last_name in SMIS already"),
        ({"header_aliases": {" _ ": "gender"}}, "needs a letter"),
        ({"value_maps": {"gender": {"Frau": "Lady"}}}, "“Lady” is not in our list of gender"),
        ({"value_maps": {"first_name": {"a": "b"}}}, "is not in our list"),
        ({"value_maps": {"gender": {"-": "Woman"}}}, "has no letter"),
        ({"program_names": {"Q": "00000000-0000-0000-0000-000000000000"}}, "needs a program that there is"),
        ({"date_formats": ["%d/%m/%Y", "%m/%d/%Y"]}, "would be two different days"),
        ({"date_formats": ["%d/%m"]}, "does not say year, month and day"),
        ({"date_formats": ["nonsense"]}, "does not say year, month and day"),
    ],
)
def test_what_contradicts_is_refused(coordinator: Staff, values: dict, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        configure(coordinator, **values)
    assert not SourceSettings.objects.exists()


def test_what_was_set_is_in_the_log(coordinator: Staff) -> None:
    configure(coordinator, value_maps={"gender": {"Frau": "Woman"}})
    configure(coordinator, value_maps={})
    entry = AuditEntry.objects.filter(entity="source_settings").latest("position")
    assert entry.diff_json == {
        "before": {"value_maps": {"gender": {"Frau": "Woman"}}},
        "after": {"value_maps": {}},
    }
