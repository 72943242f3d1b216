"""Manifests: what kind a document is."""

from boxship.model import oci


def test_a_document_is_what_it_says_then_what_was_served_then_what_it_looks_like() -> None:
    assert oci.kind_of({"mediaType": oci.DOCKER_INDEX}, oci.OCI_INDEX) == oci.DOCKER_INDEX
    assert oci.kind_of({}, oci.OCI_INDEX + "; charset=utf-8") == oci.OCI_INDEX
    assert oci.kind_of({"manifests": []}, "text/plain") == oci.OCI_INDEX
    assert oci.kind_of({"layers": []}, "") == oci.OCI_MANIFEST
    assert oci.kind_of({"schemaVersion": 1}, "application/json") == oci.DOCKER_SCHEMA1
