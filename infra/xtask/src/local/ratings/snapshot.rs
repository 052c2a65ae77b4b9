//! A snapshot of the scores, taken now and read by DuckDB, beside the board as it is.
//!
//! Its files are copied to this machine first, because DuckDB reads S3 by an extension that it would fetch from elsewhere.
//! That all rows are right is for the tests to say; here it is the best of them.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use coffeeshop_core::histogram::Histogram;
use coffeeshop_core::ids::ShopId;
use coffeeshop_local::app::App;
use coffeeshop_local::{python, repo_root};
use serde::Deserialize;

use super::{BOARD_ROWS, board, stream};
use crate::local::command;
use crate::say;

/// What DuckDB is asked, as a person would type it who has copied the files that the manifest names, and no others.
const QUESTION: &str = "SELECT shop_id, count, mean, score FROM read_parquet('scores/*/*/*.parquet') \
                        WHERE period = 'all' ORDER BY score DESC, count DESC, shop_id LIMIT 10";

const TOP: &str = r#"
import duckdb, json, sys
rows = duckdb.execute("""
    SELECT shop_id, [n1, n2, n3, n4, n5], count, CAST(mean AS VARCHAR), CAST(score AS VARCHAR)
    FROM read_parquet(?, hive_partitioning = true)
    WHERE period = 'all' ORDER BY score DESC, count DESC, shop_id LIMIT 10
""", [sys.argv[1]]).fetchall()
print(json.dumps(rows))
"#;

/// What the function answers.
#[derive(Deserialize)]
struct Taken {
    rows: u64,
    bytes: u64,
    left_out: u64,
    files: Vec<File>,
}

#[derive(Deserialize)]
struct File {
    key: String,
}

/// A row as DuckDB sees it.
#[derive(Deserialize)]
struct Row(ShopId, [u64; 5], u64, String, String);

/// Takes it and shows its top beside the board. An error if they are not the same.
pub(crate) async fn through_the_pipeline(app: &App) -> Result<()> {
    let taken: Taken = serde_json::from_value(app.snapshot("scores").await?).context("no snapshot was taken")?;
    say(&format!("a snapshot: {} rows, {} bytes in {} files", taken.rows, taken.bytes, taken.files.len()));
    ensure!(taken.left_out == 0, "{} scores cannot be understood", taken.left_out);
    let folder = repo_root().join("target/local/analytics");
    copy(app, &taken.files, &folder).await?;
    let rows = tokio::task::spawn_blocking(move || top(&folder)).await??;

    let limit = BOARD_ROWS.to_string();
    let live = board::rows(&command::lines(&["scores", "top", "--limit", &limit, "--period", "all", "--json"])?)?;
    let counted = rows.into_iter().map(counted).collect::<Result<Vec<_>>>()?;
    let (table, same) = board::side_by_side(&live, &counted, "from the snapshot by DuckDB", &stream::shops()?);
    say(&format!("duckdb> {QUESTION}\n{table}"));
    ensure!(same, "the snapshot is not the board");
    Ok(())
}

/// Has the files of the snapshot, and no others, in a folder of this machine.
async fn copy(app: &App, files: &[File], folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("{} cannot be removed", folder.display()))?;
    }
    for File { key } in files {
        let file = folder.join(key);
        fs::create_dir_all(file.parent().unwrap_or(folder))?;
        fs::write(&file, app.analytics_object(key).await?)
            .with_context(|| format!("{} cannot be written", file.display()))?;
    }
    Ok(())
}

fn top(folder: &Path) -> Result<Vec<Row>> {
    let python = python::analytics(&repo_root(), say)?.tool("python");
    let mut asked = Command::new(python);
    asked.args(["-c", TOP]).arg(folder.join("scores/*/*/*.parquet")).stderr(Stdio::inherit());
    let output = asked.output().context("DuckDB could not be started")?;
    ensure!(output.status.success(), "DuckDB cannot read the snapshot ({})", output.status);
    serde_json::from_slice(&output.stdout).context("DuckDB's rows are not as expected")
}

/// The row's shop and histogram, whose numbers its other columns must be.
fn counted(Row(shop_id, histogram, count, mean, score): Row) -> Result<(ShopId, Histogram)> {
    let histogram = Histogram::try_from(histogram)?;
    let means = histogram.mean_micros().map(board::stars).unwrap_or_default();
    let scores = board::stars(histogram.score_micros());
    ensure!(
        (count, &mean, &score) == (histogram.count(), &means, &scores),
        "the row of {shop_id} contradicts itself: {count}, {mean}, {score}"
    );
    Ok((shop_id, histogram))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_contradicts_itself_is_refused() {
        let row = |count, mean: &str, score: &str| {
            counted(Row("a".parse().unwrap(), [0, 0, 0, 1, 30], count, mean.to_owned(), score.to_owned()))
        };
        let right = ("a".parse().unwrap(), Histogram::try_from([0, 0, 0, 1, 30]).unwrap());
        assert_eq!(row(31, "4.967742", "4.456765").unwrap(), right);
        for wrong in [row(30, "4.967742", "4.456765"), row(31, "4.967741", "4.456765"), row(31, "4.967742", "4.45")] {
            assert!(wrong.unwrap_err().to_string().contains("contradicts itself"));
        }
    }
}
