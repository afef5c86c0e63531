"""The targets of make fuzz, a little: every seed, and the seeds with a few bytes changed."""

import random

import pytest

from tests.fuzz import targets

CASES = [
    pytest.param(target, seed, id=f"{target.__name__}-{number}")
    for target, seeds in targets.SEEDS.items()
    for number, seed in enumerate(seeds)
]


def changed(seed: bytes, chance: random.Random) -> bytes:
    data = bytearray(seed)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(data) + 1)
        match chance.randrange(3):
            case 0:
                data[place : place + 1] = bytes([chance.randrange(256)])
            case 1:
                del data[place : place + chance.randint(1, 8)]
            case _:
                data[place:place] = chance.choice([b"\n", b"=", b"0", b"\xff" * 4, b"${", bytes(8)])
    return bytes(data)


@pytest.mark.parametrize(("target", "seed"), CASES)
def test_changed_seeds_end_as_is_promised(target, seed):
    chance = random.Random(seed)
    target(seed)
    for _ in range(5 if target is targets.overrides else 100):
        target(changed(seed, chance))


def test_a_target_tells_of_what_it_did_not_expect(monkeypatch):
    monkeypatch.setattr(targets.PayloadCodec, "decode", lambda self, data: data[999])
    with pytest.raises(IndexError):
        targets.codec(b"\0{}")
