"""Go's text/template and the printing of fmt, without Go.  Read template.py first.

token     a piece of a template's text: a field, a quoted string, `{{` ...
node      a piece of a parsed template; says itself back as text, for error messages
value     str, bool, int, float, None, and what values.py adds: Slice, Map, Struct, Pointer
function  a callable with the Go types of its arguments
dot       the value that a template is looking at
"""
