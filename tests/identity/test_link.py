"""Whose a key is: claims judged by the key's own record."""

from itertools import permutations

from streams.identity.forward import Link
from streams.identity.keys import rank
from streams.identity.link import claim, is_alias, same_person, target
from streams.scoring.lead import Lead
from tests.laboratory import key_of

KANA, KEN = sorted((key_of(email="kana@example.com"), key_of(email="ken@example.com")), key=rank)
ACCOUNT, DEVICE = key_of(user="u"), key_of(device="d")


def said(whose: str, at: int = 1, trusted: bool = True, same: tuple[str, ...] = ()) -> Link:
    return Link(whose, at, f"l{at}", trusted, at, same)


def test_a_device_that_one_person_claims_is_hers_and_one_that_two_claim_nobodys() -> None:
    lead = Lead()
    assert claim(DEVICE, lead, said(KANA, trusted=False))
    assert target(DEVICE, lead) == KANA
    assert claim(DEVICE, lead, said(KEN, 2))
    assert target(DEVICE, lead) is None


def test_a_pointer_never_goes_to_a_larger_key() -> None:
    lead = Lead()
    assert not claim(KANA, lead, said(KEN))
    assert not claim(KANA, lead, said(ACCOUNT))
    assert not claim(ACCOUNT, lead, said(ACCOUNT))
    assert lead.claims == {}


def test_two_names_of_one_person_are_one_claim_in_any_order() -> None:
    links = (said(ACCOUNT, 1), said(KANA, 2, same=(ACCOUNT,)), said(KANA, 3, same=(ACCOUNT,)))
    for order in permutations(links):
        lead = Lead()
        for link in order:
            claim(DEVICE, lead, link)
        claim(DEVICE, lead, said(KANA, 4, same=(ACCOUNT,)))  # as the account's own record says at last
        assert target(DEVICE, lead) == KANA


def test_what_a_server_says_of_a_user_id_outweighs_a_browser() -> None:
    lead = Lead()
    assert claim(ACCOUNT, lead, said(KANA, trusted=False))
    assert not claim(ACCOUNT, lead, said(KEN, 2, trusted=False)), "the first browser's word holds"
    assert claim(ACCOUNT, lead, said(KEN, 3))
    assert target(ACCOUNT, lead) == KEN


def test_a_browser_is_not_believed_of_a_user_id_that_a_server_has_seen() -> None:
    lead = Lead(known={"user": (1, "x"), "server": (1, "x")})
    assert not claim(ACCOUNT, lead, said(KANA, trusted=False))
    assert claim(ACCOUNT, lead, said(KANA))


def test_two_addresses_that_servers_give_a_user_id_are_one_person() -> None:
    lead = Lead()
    for link in (said(KEN), said(KANA, 2)):
        claim(ACCOUNT, lead, link)
    assert target(ACCOUNT, lead) == KANA
    assert same_person(ACCOUNT, lead) == [(KEN, KANA)]


def test_an_erased_person_takes_along_only_what_is_hers() -> None:
    account, device = Lead(), Lead()
    assert not is_alias(ACCOUNT, account, KANA), "a user id that did not believe the claim is somebody else's"
    assert is_alias(DEVICE, device, KANA)
    claim(DEVICE, device, said(KEN))
    assert not is_alias(DEVICE, device, KANA)
