import pytest

from kinema.core.checks import InputError
from kinema.data.clips.folder import stated_splits
from kinema.data.clips.index import read_index


def write(folder, text, encoding="utf-8"):
    (folder / "index.csv").write_bytes(text.encode(encoding))
    return folder


def test_folder_without_an_index_has_none(tmp_path):
    assert read_index(tmp_path) is None
    assert stated_splits(tmp_path) == ()


def test_reads_what_a_spreadsheet_writes(tmp_path):
    folder = write(tmp_path, "code , split,motion_group\r\nä 1,train, m \r\n\r\nb,,\r\n", encoding="utf-8-sig")
    first, second = read_index(folder)
    assert (first.line, first.code, first.split, first.group, first.file) == (2, "ä 1", "train", "m", None)
    assert (second.line, second.code, second.split, second.group) == (4, "b", None, None)
    assert stated_splits(folder) == ("train",)


def test_rows_of_cleared_cells_are_passed_over(tmp_path):
    folder = write(tmp_path, "file,split,group\r\na,train,\r\n,,\r\n , ,\r\nb,test,\r\n,,\r\n", encoding="utf-8-sig")
    assert [(row.line, row.code) for row in read_index(folder)] == [(2, "a"), (5, "b")]
    with pytest.raises(InputError, match="has no rows below its header"):
        read_index(write(tmp_path, "code,split\n,\n,,\n"))


def test_case_of_splits_and_columns_does_not_matter(tmp_path):
    folder = write(tmp_path, "Code,Split\na,Train\nb,TEST\nc,Validation\nd,Fold 1\n")
    assert [row.split for row in read_index(folder)] == ["train", "test", "val", "fold 1"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file\na\n.\n", "line 3 has '.' for a file; name one below the folder"),
        ("file\n/\n", "line 2 has '/' for a file"),
        ("name,split\na,train\n", "its columns are name, split; one must be 'code'"),
        ("", "its columns are none; one must be 'code'"),
        ("code,split\n", "has no rows"),
        ("code,split\na,train\n,test\n", "line 3 has neither a code nor a file"),
        ("code\na\nb\na\n", "code 'a' is in lines 2 and 4"),
    ],
)
def test_refuses_broken_indexes_in_one_line(tmp_path, text, message):
    with pytest.raises(InputError, match=message) as error:
        read_index(write(tmp_path, text))
    assert "\n" not in str(error.value) and "index.csv" in str(error.value)


def test_refuses_other_encodings(tmp_path):
    with pytest.raises(InputError, match="not a CSV file in UTF-8"):
        read_index(write(tmp_path, "code\nä\n", encoding="latin-1"))
