"""What can be wrong with a template, in Go's words."""


class TemplateError(Exception):
    """The template does not parse, or cannot be carried out on this value."""


class CallError(Exception):
    """A function refused its arguments; the evaluator adds where."""
