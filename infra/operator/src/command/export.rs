//! `coffeeshop scores export`: all scores as a file, or on standard output.
//!
//! What a person reads is on standard error, so that standard output has rows alone. What a row is, is decided in
//! [`export`](crate::export).

use std::io::{BufWriter, Write};

use coffeeshop_core::ports::{Clock, Scan, Segment};
use coffeeshop_core::score::Score;
use coffeeshop_snapshotter::snapshot::watermark;

use crate::cli::export::{Export, Format, Out};
use crate::export::{ExportError, Rows};
use crate::failure::{Failure, Why};
use crate::progress::Teller;
use crate::run::{ExportPorts, Verdict};
use crate::table::counted;
use crate::whole_file::WholeFile;

/// The whole table.
const ALL: Segment = Segment { number: 0, of: 1 };

/// One run.
pub(crate) struct Work<'a, S, C> {
    pub(crate) arguments: &'a Export,
    pub(crate) ports: ExportPorts<'a, S, C>,
    pub(crate) teller: &'a Teller,
}

/// What became of all scores.
#[derive(Default)]
struct Count {
    written: u64,
    left_out: u64,
}

impl<S: Scan<Score>, C: Clock> Work<'_, S, C> {
    /// Writes all scores. `stdout` is used when that is where they go.
    pub(crate) async fn run(&self, stdout: impl Write, stdout_is_terminal: bool) -> Result<Verdict, Failure> {
        let count = match &self.arguments.out {
            Out::Stdout if stdout_is_terminal && self.arguments.format == Format::Parquet => {
                return Err(Why::Terminal.into());
            }
            Out::Stdout => {
                let (_, count) = self.write(BufWriter::new(stdout), Why::Output).await?;
                count
            }
            Out::File(path) => {
                let unusable = |cause| Why::File { path: path.clone(), cause };
                let file = WholeFile::new(path).map_err(unusable)?;
                let (file, count) = self.write(file, unusable).await?;
                file.keep().map_err(unusable)?;
                count
            }
        };
        let left_out = match count.left_out {
            0 => String::new(),
            left_out => format!("; {} left out, see above", counted(left_out, "item")),
        };
        self.teller.warn(format_args!(
            "{} written to {}{left_out}",
            counted(count.written, "score"),
            self.arguments.out
        ));
        Ok(if count.left_out == 0 { Verdict::Well } else { Verdict::Amiss })
    }

    async fn write<W: Write>(&self, to: W, unusable: impl Fn(std::io::Error) -> Why) -> Result<(W, Count), Failure> {
        let failed = |error| match error {
            ExportError::Io(error) => unusable(error),
            error => Why::Rows(error),
        };
        let began_at = watermark(self.ports.clock);
        let (mut rows, mut count, mut after) =
            (Rows::new(self.arguments.format, began_at, to).map_err(failed)?, Count::default(), None);
        self.teller.begin_uncounted("written", "score");
        loop {
            let page = self.ports.scores.page(ALL, after.as_ref()).await?;
            for item in page.items {
                match item.map(|score| (rows.push(&score), score.key)) {
                    Ok((Ok(()), _)) => count.written += 1,
                    Ok((Err(ExportError::Row(error)), key)) => {
                        self.left_out(&mut count, format_args!("{key}: {error}"));
                    }
                    Ok((Err(error), _)) => return Err(failed(error).into()),
                    Err(error) => self.left_out(&mut count, error.cause),
                }
            }
            self.teller.at(count.written, self.ports.clock.now());
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        self.teller.end();
        Ok((rows.finish().map_err(failed)?, count))
    }

    fn left_out(&self, count: &mut Count, why: impl std::fmt::Display) {
        count.left_out += 1;
        self.teller.warn(format_args!("left out: {why}"));
    }
}
