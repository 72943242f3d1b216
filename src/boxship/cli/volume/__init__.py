"""Commands on volumes."""
