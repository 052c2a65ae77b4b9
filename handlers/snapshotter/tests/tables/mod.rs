//! The parts of `CONTRACT.md` that say which columns there are, made from the datasets themselves.

use std::fmt::Write as _;

use coffeeshop_core::outcome::Outcome;
use coffeeshop_core::score::Score;
use coffeeshop_snapshotter::dataset::{Column, ColumnType, Record};

/// The text with each part, between its two marks, as it must be. A part without its marks is an error.
pub(crate) fn renewed(contract: &str) -> Result<String, String> {
    let parts = [
        ("columns of scores", table(Score::COLUMNS)),
        ("columns of photos", table(Outcome::COLUMNS)),
        ("Athena's table of scores", athena::<Score>("dt string, hour string")),
        ("Athena's table of photos", athena::<Outcome>("dt string")),
    ];
    parts.iter().try_fold(contract.to_owned(), |text, (name, part)| {
        let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->\n"));
        let halves = text.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
        let (before, after) = halves.ok_or_else(|| format!("CONTRACT.md has no `{name}`"))?;
        Ok(format!("{before}{begin}{part}{end}{after}"))
    })
}

fn table(columns: &[Column]) -> String {
    let mut text = "| column | type | unit | |\n|---|---|---|---|\n".to_owned();
    for Column { name, kind, nullable, unit, about } in columns {
        let kind = match kind {
            ColumnType::Text => "text, UTF-8",
            ColumnType::Integer => "64-bit integer",
            ColumnType::Stars => "decimal(7,6)",
            ColumnType::Double => "double",
            ColumnType::Time => "timestamp, µs",
        };
        let or_null = if *nullable { ", or null" } else { "" };
        // A text in memory takes everything.
        _ = writeln!(text, "| `{name}` | {kind}{or_null} | {unit} | {about} |");
    }
    text
}

/// The statement that makes the table in Athena.
fn athena<R: Record>(partitions: &str) -> String {
    let columns = R::COLUMNS.iter().map(|column| {
        let kind = match column.kind {
            ColumnType::Text => "string",
            ColumnType::Integer => "bigint",
            ColumnType::Stars => "decimal(7,6)",
            ColumnType::Double => "double",
            ColumnType::Time => "timestamp",
        };
        format!("  `{}` {kind}", column.name)
    });
    format!(
        "```sql\nCREATE EXTERNAL TABLE {dataset} (\n{}\n)\nPARTITIONED BY ({partitions})\nSTORED AS PARQUET\n\
         LOCATION 's3://BUCKET/{dataset}/';\n```\n",
        columns.collect::<Vec<_>>().join(",\n"),
        dataset = R::DATASET,
    )
}
