"""Templates print what Go's text/template prints."""

from typing import Any

import pytest

from boxship.wire.gotemplate.template import Template, TemplateError
from boxship.wire.gotemplate.values import Map, Number, Pointer, Slice, Struct

WEB = {
    "Name": "web",
    "Count": 3,
    "Ratio": 0.5,
    "On": True,
    "None": None,
    "List": ["a", "b", "c"],
    "Labels": {"b": "2", "a": "1"},
    "Nested": {"Deep": {"Er": "x"}},
}


Value = Any


def render(text: str, value: Value = WEB) -> str:
    return Template(text).render(value)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain", "plain"),
        ("{{.Name}}", "web"),
        ("{{ .Nested.Deep.Er }}", "x"),
        ("{{.Missing}}", "<no value>"),
        ("{{.Missing.Deeper}}", "<no value>"),
        ("{{.List}}", "[a b c]"),
        ("{{.Labels}}", "map[a:1 b:2]"),
        ("{{.None}}", "<nil>"),
        ("{{.On}} {{.Count}} {{.Ratio}}", "true 3 0.5"),
        ("{{if .On}}yes{{else}}no{{end}}", "yes"),
        ("{{if .Missing}}yes{{else if .Count}}count{{else}}no{{end}}", "count"),
        ("{{range .List}}<{{.}}>{{end}}", "<a><b><c>"),
        ("{{range $i, $x := .List}}{{$i}}{{$x}} {{end}}", "0a 1b 2c "),
        ("{{range $k, $v := .Labels}}{{$k}}={{$v}};{{end}}", "a=1;b=2;"),
        ("{{range .Empty}}x{{else}}none{{end}}", "none"),
        ('{{range .List}}{{if eq . "b"}}{{continue}}{{end}}{{.}}{{end}}', "ac"),
        ('{{range .List}}{{if eq . "b"}}{{break}}{{end}}{{.}}{{end}}', "a"),
        ("{{range 3}}{{.}}{{end}}", "012"),
        ("{{with .Nested}}{{.Deep.Er}}{{end}}", "x"),
        ("{{with .Missing}}x{{else with .Name}}{{.}}{{end}}", "web"),
        ("{{$x := .Name}}{{$x}}{{$x = 1}}{{$x}}", "web1"),
        ('{{define "t"}}[{{.}}]{{end}}{{template "t" .Name}}', "[web]"),
        ('{{block "b" .Count}}<{{.}}>{{end}}', "<3>"),
        ("a {{- .Name -}} b", "awebb"),
        ("{{/* nothing */}}x{{- /* nothing */ -}} y", "xy"),
        ('{{"a" | printf "%s-%s" "b"}}', "b-a"),
        ("{{(.Nested).Deep.Er}}", "x"),
        ("{{and .On .Name}} {{or .Missing .Name}} {{not .On}}", "web web false"),
        ("{{eq .Count 1 3}} {{ne 1 2}} {{lt 1 2}} {{ge 2 2}}", "true true true true"),
        ('{{index .Labels "a"}} {{index .List 1}}', "1 b"),
        ("{{slice .List 1 2}} {{slice .Name 1}}", "[b] eb"),
        ("{{len .List}} {{len .Name}}", "3 3"),
        ("{{json .Labels}} {{json .List}} {{json .None}}", '{"a":"1","b":"2"} ["a","b","c"] null'),
        ("{{json .Name}} {{json .Ratio}}", '"web" 0.5'),
        ('{{split "a,b" ","}} {{upper .Name}} {{title "two words"}}', "[a b] WEB Two Words"),
        ("{{pad .Name 1 2}}|{{truncate .Name 2}}", " web  |we"),
        ('{{html "<a>"}} {{js "\'"}} {{urlquery "a b"}}', "&lt;a&gt; \\' a+b"),
        ('{{print 1 2}} {{print 1 "x" 2}}', "1 2 1x2"),
        ("{{println .Name}}", "web\n"),
        ("{{0x10}} {{1_000}} {{'a'}} {{1e3}} {{`raw`}}", "16 1000 97 1000 raw"),
    ],
)
def test_a_template_renders(template: str, text: str) -> None:
    assert render(template) == text


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ('{{printf "%05d|%x|%X|%o|%b" 42 255 255 8 5}}', "00042|ff|FF|10|101"),
        ('{{printf "%q %v %s" "a" "b" "c"}}', '"a" b c'),
        ('{{printf "%5s|%-5s|%.1s" "a" "b" "cd"}}', "    a|b    |c"),
        ('{{printf "%t %d" true "x"}}', "true %!d(string=x)"),
        ('{{printf "%d"}}', "%!d(MISSING)"),
        ('{{printf "%d" 1 2}}', "1%!(EXTRA int=2)"),
        ('{{printf "%T %T %T" 1 "a" 1.5}}', "int string float64"),
        ('{{printf "%6.2f|%g|%e" 3.14159 1e21 1.5}}', "  3.14|1e+21|1.500000e+00"),
        ('{{printf "%[2]d %[1]d" 1 2}}', "2 1"),
        ('{{printf "%*d|" 5 3}}', "    3|"),
        ('{{printf "%#q %#v" "x" "y"}}', '`x` "y"'),
    ],
)
def test_printf_formats_as_go(template: str, text: str) -> None:
    assert render(template) == text


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{foo}}", 'template: :1: function "foo" not defined'),
        ("{{.Name", "template: :1: unclosed action"),
        ("{{$x}}", 'template: :1: undefined variable "$x"'),
        ("{{if .On}}x", "template: :1: unexpected EOF"),
        ("{{end}}", "template: :1: unexpected {{end}}"),
        ("{{range}}{{end}}", "template: :1: missing value for range"),
        ("{{break}}", "template: :1: {{break}} outside {{range}}"),
        ("{{/* open", "template: :1: unclosed comment"),
        ("a\n{{'ab'}}", "template: :2: malformed character constant: 'ab'"),
    ],
)
def test_a_malformed_template_is_refused(template: str, message: str) -> None:
    with pytest.raises(TemplateError) as error:
        Template(template)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (
            "{{.Name.X}}",
            '1:7: executing "" at <.Name.X>: can\'t evaluate field X in type interface {}',
        ),
        (
            "{{index .List 9}}",
            '1:2: executing "" at <index .List 9>: error calling index: index out of range: 9',
        ),
        (
            "{{eq 1 1.0}}",
            '1:2: executing "" at <eq 1 1.0>: error calling eq: incompatible types for comparison',
        ),
        ("{{len 3}}", '1:2: executing "" at <len 3>: error calling len: len of type int'),
        (
            '{{template "no"}}',
            '1:11: executing "" at <{{template "no"}}>: template "no" not defined',
        ),
    ],
)
def test_a_failing_template_says_where(template: str, message: str) -> None:
    with pytest.raises(TemplateError) as error:
        render(template)
    assert str(error.value) == f"template: :{message}"


def test_a_missing_key_can_be_an_error() -> None:
    with pytest.raises(TemplateError, match='map has no entry for key "X"'):
        Template("{{.X}}").render({}, missing_is_error=True)


def test_a_struct_has_only_its_fields() -> None:
    state = Struct("container.State", {"Status": "up", "Health": Pointer("container.Health")})
    assert render("{{.Status}} {{.Health}} {{if .Health}}x{{end}}", state) == "up <nil> "
    with pytest.raises(TemplateError, match=r"can't evaluate field X in type container\.State"):
        render("{{.X}}", state)
    with pytest.raises(TemplateError, match=r"nil pointer evaluating \*container\.Health\.Status"):
        render("{{.Health.Status}}", state)


def test_typed_nothing_prints_as_go_prints_it() -> None:
    value = {"S": Slice(is_nil=True), "M": Map(is_nil=True)}
    assert render("{{.S}} {{.M}} {{json .S}} {{json .M}}", value) == "[] map[] null null"
    assert render('{{index .M "x"}}|', value) == "|"


def test_a_number_of_json_keeps_its_text() -> None:
    assert render("{{.}} {{json .}}", Number("1.50")) == "1.50 1.50"


def test_the_template_engine_does_no_io() -> None:
    import subprocess
    import sys

    code = "import boxship.wire.gotemplate.template, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"socket", "asyncio", "threading", "selectors"} & set(done.stdout.split())
