"""What somebody may know of a lead, and the keys that it may mean."""

from streams.identity.keys import Kind, Secret, lead_key
from streams.inquiry import keys_of

SECRET = Secret(b"a secret for tests")


def test_a_lead_key_is_itself_and_needs_no_secret() -> None:
    key = lead_key(Kind.USER, "u", SECRET)
    assert keys_of(key, None) == [key]


def test_an_address_is_hashed_however_it_is_written() -> None:
    assert keys_of(" Jane@Example.COM ", SECRET) == [lead_key(Kind.EMAIL, "jane@example.com", SECRET)]


def test_anything_else_may_be_a_user_id_or_an_anonymous_id() -> None:
    keys = [lead_key(Kind.USER, "42", SECRET), lead_key(Kind.ANONYMOUS, "42", SECRET)]
    assert keys_of("42", SECRET) == keys


def test_without_the_secret_an_identity_names_nobody() -> None:
    assert keys_of("jane@example.com", None) == []
