//! Columns that line up, and numbers as people read them.
//!
//! What stands in a column is not known here.

use unicode_width::UnicodeWidthStr as _;

const GAP: &str = "  ";

/// On which side of its column a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

/// The heads of the columns and their rows, a line each, without the last line's end.
pub(crate) fn table<const N: usize>(heads: [(&str, Side); N], rows: &[[String; N]]) -> String {
    let mut widths = heads.map(|(head, _)| head.width());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let line = |cells: [&str; N]| {
        let columns = cells.into_iter().zip(widths).zip(heads);
        let padded = columns.map(|((cell, width), (_, side))| pad(cell, width, side));
        padded.collect::<Vec<_>>().join(GAP).trim_end().to_owned()
    };
    let head = line(heads.map(|(head, _)| head));
    let rows = rows.iter().map(|row| line(row.each_ref().map(String::as_str)));
    [head].into_iter().chain(rows).collect::<Vec<_>>().join("\n")
}

fn pad(cell: &str, width: usize, side: Side) -> String {
    let space = " ".repeat(width.saturating_sub(cell.width()));
    match side {
        Side::Left => format!("{cell}{space}"),
        Side::Right => format!("{space}{cell}"),
    }
}

/// Millionths as a decimal fraction, every digit of it.
pub(crate) fn decimal(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

/// `1 shop`, `2 shops`.
pub(crate) fn counted(count: u64, one: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {one}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_in_every_script() {
        let rows = [["Zürich".to_owned(), "1".to_owned()], ["東京".to_owned(), "100".to_owned()]];
        let expected = "city      n\nZürich    1\n東京    100";
        assert_eq!(table([("city", Side::Left), ("n", Side::Right)], &rows), expected);
    }

    #[test]
    fn a_decimal_has_all_its_digits() {
        assert_eq!([0, 7, 3_403_573, 5_000_000].map(decimal), ["0.000000", "0.000007", "3.403573", "5.000000"]);
    }
}
