//! The command as a person at a terminal sees it: what was typed, what came of it, and the exit status.

use std::future::{Future, pending};
use std::io::{self, Write};

use coffeeshop_core::ports::{ScoreStore, ShopRecords};
use coffeeshop_core::testing::ScoreWorld;
use coffeeshop_operator::cli::{Invocation, Typed};
use coffeeshop_operator::run::{Ports, Verdict, run};
use futures::executor::block_on;
use indicatif::ProgressBar;

/// Of a command line after `coffeeshop`, on the stack `prod`.
pub(crate) fn of(world: &ScoreWorld, arguments: &str) -> String {
    during(world, world, arguments, pending())
}

/// The same, of another store over the world; and something goes on meanwhile, or ends it.
pub(crate) fn during<S: ScoreStore + ShopRecords>(
    store: &S,
    world: &ScoreWorld,
    arguments: &str,
    interrupt: impl Future<Output = ()>,
) -> String {
    let mut lines = Vec::new();
    let (errors, status) = into(store, world, arguments, &mut lines, interrupt);
    let lines = String::from_utf8(lines).unwrap();
    format!("$ coffeeshop {arguments} --stack prod\n{lines}{errors}[exit status {status}]\n")
}

/// Standard error, each line marked, and the exit status; the rest goes to `lines`.
pub(crate) fn into<S: ScoreStore + ShopRecords>(
    store: &S,
    world: &ScoreWorld,
    arguments: &str,
    lines: impl Write,
    interrupt: impl Future<Output = ()>,
) -> (String, u8) {
    // In front, because nothing is an option any more after `--`.
    let typed = ["coffeeshop", "--stack", "prod"].into_iter().chain(arguments.split_whitespace());
    let invocation = scores(typed);
    let ports = Ports { store, board: world, clock: world };
    match block_on(run(&invocation, &ports, lines, ProgressBar::hidden(), interrupt)) {
        Ok(verdict) => (String::new(), Verdict::status(verdict)),
        Err(failure) => {
            let lines: Vec<_> = failure.text().split_inclusive('\n').map(|line| format!("stderr| {line}")).collect();
            (lines.concat(), failure.status())
        }
    }
}

/// What a command line about scores means.
pub(crate) fn scores<'a>(typed: impl IntoIterator<Item = &'a str>) -> Invocation {
    let Typed::Scores(invocation) = Typed::parse(typed.into_iter().collect::<Vec<_>>()).unwrap() else {
        panic!("not about scores")
    };
    invocation
}

/// Nobody reads any more after so many writes.
pub(crate) struct Closed(pub(crate) usize);

impl Write for Closed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(left) = self.0.checked_sub(1) else { return Err(io::ErrorKind::BrokenPipe.into()) };
        self.0 = left;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
