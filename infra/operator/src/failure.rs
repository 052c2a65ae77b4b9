//! Why a command could not do what it was asked to, in words that help.
//!
//! Differences between scores and ratings are no failures: they are results.

use std::error::Error;
use std::io::{self, ErrorKind, Write};
use std::iter::successors;
use std::path::PathBuf;

use coffeeshop_aws::stack::{StackError, Trouble};
use coffeeshop_core::board::Board;
use coffeeshop_core::ids::ShopId;
use coffeeshop_core::keys::PhotoKey;
use coffeeshop_core::period::Period;
use coffeeshop_core::place::NoTarget;
use coffeeshop_core::ports::PortError;

use crate::cli::values::RunId;
use crate::export::ExportError;
use crate::journal::JournalError;

/// The exit status of a command that could not do what it was asked to.
const FAILED: u8 = 1;

/// The exit status of what Ctrl-C ended, as shells have it: 128 + SIGINT.
const INTERRUPTED: u8 = 130;

/// A command that could not do what it was asked to.
#[derive(Debug)]
pub struct Failure {
    /// Why.
    pub why: Why,
    /// What to type to go on where it stopped, if it did something already.
    pub again: Option<String>,
}

/// Why a command could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum Why {
    /// Nothing is known of the shop.
    #[error(
        "no shop `{shop_id}` was ever rated in this stack ({target}): check the id, upper and lower case differ, and the stack"
    )]
    UnknownShop {
        /// The shop.
        shop_id: ShopId,
        /// Where it was looked for, as it was typed.
        target: String,
    },
    /// The shop has no scores, which says nothing of its ratings.
    #[error(
        "no scores of `{shop_id}` in this stack ({target}): check the id, upper and lower case differ, and the stack; or, if \
         it was rated, see what is missing: {examine}"
    )]
    NoScores {
        /// The shop.
        shop_id: ShopId,
        /// Where it was looked for, as it was typed.
        target: String,
        /// What to type to look at its ratings.
        examine: String,
    },
    /// Nobody rated there and then.
    #[error("the board of {} is empty: {}", name(board, *period), spelling(board, *period))]
    EmptyBoard {
        /// Of which shops.
        board: Board,
        /// Of which ratings.
        period: Period,
    },
    /// The stack cannot be used.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// Something of the stack did not answer as it should.
    #[error(transparent)]
    Port(#[from] PortError),
    /// Nobody reads the results.
    #[error("the results could not be written")]
    Output(#[source] io::Error),
    /// Bytes for a person.
    #[error("Parquet is not for terminals: name a file with --out, or send standard output elsewhere")]
    Terminal,
    /// Rows cannot be made a file.
    #[error("the scores cannot be written")]
    Rows(#[source] ExportError),
    /// Ctrl-C.
    #[error("stopped{}", if *repairs { "; a shop under way may be half repaired until this is run again" } else { "" })]
    Interrupted {
        /// Whether it stopped repairs.
        repairs: bool,
    },
    /// There is no such place.
    #[error("no place `{name}` in this stack ({target}): {}", known(places))]
    NoPlace {
        /// As it was typed.
        name: String,
        /// Where it was looked for, as it was typed.
        target: String,
        /// What there is.
        places: Vec<String>,
    },
    /// Nothing can be sent back from there.
    #[error("nothing is replayed from {place}: {why}")]
    NoReplay {
        /// The place.
        place: String,
        /// Why.
        why: NoTarget,
    },
    /// Its messages cannot be seen in any order but their own.
    #[error(
        "{0} is a FIFO queue: to see all its messages and to send some of them again would change their order, so it is \
         left alone"
    )]
    Fifo(String),
    /// What rests there says what was in a table.
    #[error("{}", not_editable(place, ratings.as_deref()))]
    NotEditable {
        /// The place.
        place: String,
        /// The table of ratings, if the records are of ratings.
        ratings: Option<String>,
    },
    /// The message is not there, or hidden.
    #[error("no message `{id}` was found in {place}: it is gone, or another command holds it for a while")]
    NoMessage {
        /// As it was typed.
        id: String,
        /// Where it was looked for.
        place: String,
    },
    /// There is neither an outcome nor a version of the original.
    #[error(
        "no photo `{photo}` was ever uploaded to this stack ({target}), or it was deleted for good: check the ids, upper and \
         lower case differ, and the stack"
    )]
    NoPhoto {
        /// The photo.
        photo: PhotoKey,
        /// Where it was looked for, as it was typed.
        target: String,
    },
    /// The run is of another stack.
    #[error("run `{run}` is of another stack: type {target}")]
    OtherStack {
        /// The run.
        run: RunId,
        /// Its stack, as it was typed.
        target: String,
    },
    /// The stack is not as it was.
    #[error("the queues of {place} are not those that run `{run}` began with: the stack was made anew")]
    Moved {
        /// The run.
        run: RunId,
        /// Its place.
        place: String,
    },
    /// It was stopped too early to have anything to go on with.
    #[error("run `{0}` was stopped before it touched a message: begin again")]
    NothingDone(RunId),
    /// What was done cannot be written down, or read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The bucket does not take the journal.
    #[error("the journal cannot be put into the bucket {bucket}")]
    Audit {
        /// Which.
        bucket: String,
        /// Why.
        #[source]
        cause: PortError,
    },
    /// What is held cannot be written down.
    #[error("the list of what is held cannot be written")]
    Spool(#[source] io::Error),
    /// A file.
    #[error("{} cannot be used", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// Journals have no place.
    #[error("there is no folder for journals: set HOME, or XDG_STATE_HOME")]
    NoHome,
    /// Whoever chose, chose nothing.
    #[error("no message of {place} is meant: of those that could be received, none is of that group, time, shop or id")]
    NothingMeant {
        /// The place.
        place: String,
    },
    /// Two places have this name.
    #[error("`{name}` may be any of these: {}", .queues.join(", "))]
    Ambiguous {
        /// As it was typed.
        name: String,
        /// The queues.
        queues: Vec<String>,
    },
    /// Nothing is overwritten.
    #[error("{0} is there already, and is not overwritten: name another")]
    Exists(String),
    /// The editor.
    #[error("the editor did not work: set EDITOR, or give the new body with --body FILE")]
    Editor(#[source] io::Error),
    /// Who reads the queue could not read it.
    #[error("this body would not be understood by who reads {target}: {why}\n  it is in {}", file.display())]
    Refused {
        /// Where the new body is.
        file: PathBuf,
        /// The queue.
        target: String,
        /// What is wrong with it.
        why: String,
    },
    /// This machine does not let it.
    #[error("the program could not start")]
    Start(#[source] io::Error),
}

fn not_editable(place: &str, ratings: Option<&str>) -> String {
    let said = format!("nothing in {place} is edited: it says what was in a table");
    let Some(table) = ratings else {
        return format!("{said}. What the item says now is announced by itself whenever it changes");
    };
    format!(
        "{said}, and a score must be as its ratings are. Correct in the rating itself what makes no sense, such as `stars`, with \
         the shop and the user of the record (on the local stack with its --endpoint-url), and the score follows:\n  aws dynamodb update-item --table-name {table} \
         --key '{{\"shop_id\":{{\"S\":\"SHOP\"}},\"user_id\":{{\"S\":\"USER\"}}}}' \
         --update-expression 'SET stars = :stars' --expression-attribute-values '{{\":stars\":{{\"N\":\"4\"}}}}'\n\
         Then `dlq discard {place}` what rests there of it"
    )
}

fn known(places: &[String]) -> String {
    match places {
        [] => "it has no dead-letter queues".to_owned(),
        places => format!("there are {}", places.join(", ")),
    }
}

fn name(board: &Board, period: Period) -> String {
    let shops = match board {
        Board::Global => "all shops".to_owned(),
        Board::City(city) => format!("`{city}`"),
    };
    match period {
        Period::All => format!("{shops} for all time"),
        Period::Month(month) => format!("{shops} for {month}"),
    }
}

/// What may have been meant instead.
fn spelling(board: &Board, period: Period) -> &'static str {
    match (board, period) {
        (Board::Global, Period::All) => "no shop of this stack has ratings yet, or it is not the stack that was meant",
        (Board::Global, Period::Month(_)) => "a period is `all`, or a month of UTC such as `2026-11`",
        (Board::City(_), _) => {
            "a city is spelled as the table of shops has it, and a period is `all`, or a month of UTC such as `2026-11`"
        }
    }
}

impl<E: Into<Why>> From<E> for Failure {
    fn from(why: E) -> Self {
        Self { why: why.into(), again: None }
    }
}

impl Failure {
    /// The exit status.
    pub fn status(&self) -> u8 {
        match self.why {
            Why::Interrupted { .. } => INTERRUPTED,
            _ => FAILED,
        }
    }

    /// Says it, and returns the exit status.
    pub fn say(&self, mut to: impl Write) -> u8 {
        // Nobody is left to hear that standard error is closed.
        to.write_all(self.text().as_bytes()).map_or(FAILED, |()| self.status())
    }

    /// The text for a person, whole lines; empty when there is nothing to say.
    pub fn text(&self) -> String {
        // Whoever reads has seen enough: `.. | head`.
        let enough = matches!(&self.why, Why::Output(error) if error.kind() == ErrorKind::BrokenPipe);
        if enough && self.again.is_none() {
            return String::new();
        }
        let (sentence, with_causes) = self.sentence();
        let mut lines = vec![format!("error: {sentence}")];
        if with_causes {
            lines.extend(causes(&self.why, &sentence).into_iter().map(|cause| format!("  {cause}")));
        }
        lines.extend(self.again.as_ref().map(|again| format!("To go on: {again}")));
        lines.join("\n") + "\n"
    }

    /// What went wrong, in one line.
    pub(crate) fn words(&self) -> String {
        let (sentence, with_causes) = self.sentence();
        let causes = if with_causes { causes(&self.why, &sentence) } else { Vec::new() };
        [vec![sentence], causes].concat().join(": ")
    }

    /// And whether the causes add something to it.
    fn sentence(&self) -> (String, bool) {
        match (Trouble::of(&self.why), &self.why) {
            // Which call, and which resource; or what is wrong with the profile.
            (Some(trouble @ (Trouble::Denied | Trouble::NotAccepted | Trouble::CredentialsNotLoaded)), _) => {
                (trouble.to_string(), true)
            }
            (Some(trouble), _) => (trouble.to_string(), false),
            (None, Why::Port(error)) if error.busy => {
                ("AWS takes no more calls at the moment: try again in a minute".to_owned(), true)
            }
            (None, Why::Port(error)) => (format!("the call {} did not work out", error.call), true),
            (None, why) => (why.to_string(), true),
        }
    }
}

/// What each cause adds to what was said before it.
fn causes(why: &Why, sentence: &str) -> Vec<String> {
    let mut said = vec![sentence.to_owned()];
    for cause in successors(why.source(), |cause| (*cause).source()) {
        let words = cause.to_string();
        if !said.iter().any(|before| before.contains(&words)) {
            said.push(words);
        }
    }
    said.split_off(1)
}
