"""Names as containerd takes them: containers, namespaces, execs."""

import re

from boxship.model.errors import Invalid

PATTERN = r"^[A-Za-z0-9]+(?:[._-](?:[A-Za-z0-9]+))*$"
MAX_LENGTH = 76

_matches = re.compile(PATTERN).fullmatch


def check_identifier(text: str) -> str:
    """`text`, or Invalid with containerd's reason."""
    if not text:
        raise Invalid("identifier must not be empty")
    if len(text) > MAX_LENGTH:
        raise Invalid(f'identifier "{text}" greater than maximum length ({MAX_LENGTH} characters)')
    if not _matches(text):
        raise Invalid(f'identifier "{text}" must match {PATTERN}')
    return text
