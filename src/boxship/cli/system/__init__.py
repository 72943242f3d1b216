"""Commands on the engine, and on things of any kind."""
