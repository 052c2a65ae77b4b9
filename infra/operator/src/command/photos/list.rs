//! `coffeeshop photos list`: a line a photo, as it is read.
//!
//! Columns have fixed widths, because nothing is held back to be aligned.

use std::io::Write;

use coffeeshop_core::outcome::{Answer, Outcome};

use super::{Desk, PhotoLine, verdict};
use crate::cli::photos::Selection;
use crate::dlq::wording::printable;
use crate::failure::Failure;
use crate::photos::walk::Listed;
use crate::run::Verdict;
use crate::table::counted;
use crate::wiring::Wiring;

pub(crate) async fn run<W: Write, P: Wiring>(desk: &Desk<'_, W, P>, selection: &Selection) -> Result<Verdict, Failure> {
    let mut is_first = true;
    let walked = desk.walk(selection, u64::MAX, |meant| {
        for listed in &meant {
            if std::mem::take(&mut is_first) {
                desk.say(heads());
            }
            line(desk, listed);
        }
        Ok(())
    });
    let walked = walked.await?;
    if desk.invocation.json {
        desk.walked("summary", &walked);
    } else if walked.photos() == 0 {
        desk.output.line("no photo is meant");
    } else {
        desk.output.line(format!("\n{}: {}", counted(walked.photos(), "photo"), walked.words()));
    }
    Ok(verdict(walked.unreadable))
}

/// Says one of the photos.
fn line<W: Write, P: Wiring>(desk: &Desk<'_, W, P>, listed: &Listed) {
    if desk.invocation.json {
        desk.output.object(&PhotoLine::of(listed));
    } else {
        desk.output.line(row(listed));
    }
}

fn columns([photo, status, reason, detected, pipeline, when]: [&str; 6]) -> String {
    format!("{photo:<40}  {status:<8}  {reason:<18}  {detected:<10}  {pipeline:<8}  {when}")
}

/// What stands above [`row`]s.
pub(super) fn heads() -> String {
    columns(["photo", "status", "reason", "detected", "pipeline", "when"])
}

/// A photo in a line.
pub(super) fn row(listed: &Listed) -> String {
    let (photo, status) = (listed.photo().to_string(), listed.status().to_string());
    let row = match listed {
        Listed::Unanswered(_, object) => {
            let when = format!("uploaded {:.0}", object.written_at);
            columns([&photo, &status, "-", "-", "-", &when])
        }
        Listed::Answered(outcome) => {
            let Outcome { answer, pipeline, processed_at, .. } = &**outcome;
            let (reason, detected) = match answer {
                Answer::Rejected { reason, detected } => (reason.as_str(), detected.as_deref().unwrap_or("-")),
                Answer::Ready { .. } | Answer::Removed => ("-", "-"),
            };
            columns([&photo, &status, reason, detected, pipeline, &format!("{processed_at:.0}")])
        }
    };
    printable(&row)
}
