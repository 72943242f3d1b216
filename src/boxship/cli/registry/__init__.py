"""Commands on registries: credentials."""
