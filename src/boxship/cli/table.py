"""Columns: Go's tabwriter as docker uses it (at least 10 wide, 3 spaces between)."""

PADDING, NARROWEST = 3, 10


def aligned(text: str, narrowest: int = NARROWEST) -> str:
    """Tabs to spaces, so that the cells of neighbouring lines stand below each other.

    A cell ends with a tab; the last cell of a line has none and needs no width.  A column is a
    block of neighbouring lines that all have that cell: lines without it part blocks.
    """
    lines = [line.split("\t") for line in text.split("\n")]
    widths = [[0] * (len(cells) - 1) for cells in lines]
    _measure(lines, widths, (0, narrowest), 0, len(lines))
    return "\n".join(
        "".join(cell.ljust(width) for cell, width in zip(cells, row, strict=False)) + cells[-1]
        for cells, row in zip(lines, widths, strict=True)
    )


def _measure(
    lines: list[list[str]], widths: list[list[int]], shape: tuple[int, int], first: int, last: int
) -> None:
    column, narrowest = shape
    line = first
    while line < last:
        if len(lines[line]) - 1 <= column:
            line += 1
            continue
        end = line
        widest = narrowest
        while end < last and len(lines[end]) - 1 > column:
            widest = max(widest, len(lines[end][column]) + PADDING)
            end += 1
        for row in range(line, end):
            widths[row][column] = widest
        _measure(lines, widths, (column + 1, narrowest), line, end)
        line = end
