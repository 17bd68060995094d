from transforms.identifiers import normalized


def test_normalizing_twice_changes_nothing_for_ids():
    for text in ("p-17", " Rx 9 ", "\uff50\uff11\uff17"):
        assert normalized(normalized(text)) == normalized(text)
