"""One line of comma-separated fields, with "quoted" ones, as --mount and --network take."""


def fields(line: str) -> list[str]:
    """The fields of the line; ValueError where the quotes are wrong."""
    if '"' not in line:
        return line.split(",")
    out: list[str] = []
    pos = 0
    while True:
        if line[pos : pos + 1] == '"':
            field, pos = _quoted(line, pos + 1)
        else:
            end = line.find(",", pos)
            end = len(line) if end < 0 else end
            field = line[pos:end]
            if '"' in field:
                raise _error(pos + field.index('"'), 'bare " in non-quoted-field')
            pos = end
        out.append(field)
        if pos >= len(line):
            return out
        pos += 1


def _quoted(line: str, pos: int) -> tuple[str, int]:
    out = ""
    while True:
        end = line.find('"', pos)
        if end < 0:
            raise _error(len(line), 'extraneous or missing " in quoted-field')
        out += line[pos:end]
        if line[end + 1 : end + 2] != '"':
            break
        out += '"'
        pos = end + 2
    if line[end + 1 : end + 2] not in {"", ","}:
        raise _error(end, 'extraneous or missing " in quoted-field')
    return out, end + 1


def _error(pos: int, what: str) -> ValueError:
    return ValueError(f"parse error on line 1, column {pos + 1}: {what}")
