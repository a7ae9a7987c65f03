"""Events say how far a task is."""

from kinema.core.progress import Advanced, counted


def test_items_are_told_of_after_they_were_dealt_with():
    told = []
    for item in counted(["a", "b"], "reading", None, told.append):
        assert len(told) == "ab".index(item)
    assert told == [Advanced("reading", 1, None), Advanced("reading", 2, None)]
