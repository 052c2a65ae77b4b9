//! What became of the photos, for people.

use coffeeshop_core::outcome::{Answer, Outcome, Rendition};

use super::photos::Row;

const HEAD: [&str; 4] = ["photo", "outcome", "renditions", "put to outcome"];

/// A table with a line a photo, and a line that counts them.
pub(crate) fn of(rows: &[Row]) -> String {
    let mut lines = vec![HEAD.map(str::to_owned)];
    lines.extend(rows.iter().map(cells));
    let width = |column: usize| lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..HEAD.len()).map(|column| width(column).unwrap_or(0)).collect();
    let mut table = String::new();
    for line in &lines {
        let padded = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        table.push_str(padded.collect::<Vec<_>>().join("  ").trim_end());
        table.push('\n');
    }
    let count =
        |status| rows.iter().filter(|row| row.outcome.as_ref().is_some_and(|o| o.answer.status() == status)).count();
    let missing = rows.iter().filter(|row| row.outcome.is_none()).count();
    let (ready, rejected) = (count("ready"), count("rejected"));
    format!("{table}\n{} photos: {ready} ready, {rejected} rejected, {missing} without an outcome\n", rows.len())
}

fn cells(Row { name, outcome, took }: &Row) -> [String; 4] {
    let (what, renditions) = match outcome {
        None => ("MISSING".to_owned(), String::new()),
        Some(outcome) => (in_words(outcome), renditions(outcome)),
    };
    [name.clone(), what, renditions, format!("{} ms", took.as_millis())]
}

fn in_words(outcome: &Outcome) -> String {
    match &outcome.answer {
        Answer::Rejected { reason, detected: Some(detected) } => format!("{} ({detected})", reason.as_str()),
        Answer::Rejected { reason, detected: None } => reason.as_str().to_owned(),
        answer => answer.status().to_owned(),
    }
}

fn renditions(outcome: &Outcome) -> String {
    let Answer::Ready { renditions, .. } = &outcome.answer else { return String::new() };
    let one = |Rendition { name, width, height, bytes, .. }: &Rendition| {
        format!("{name} {width}x{height} {:.1} kB", f64::from(u32::try_from(*bytes).unwrap_or(u32::MAX)) / 1000.0)
    };
    renditions.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_missing_outcome_is_seen() {
        let rows = [Row { name: "a.jpg".to_owned(), outcome: None, took: Duration::from_millis(7) }];
        let expected = "photo  outcome  renditions  put to outcome\n\
                        a.jpg  MISSING              7 ms\n\n\
                        1 photos: 0 ready, 0 rejected, 1 without an outcome\n";
        assert_eq!(of(&rows), expected);
    }
}
