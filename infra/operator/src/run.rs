//! A command from its first call to its exit status.
//!
//! Nothing is connected here, and no environment is read.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::io::Write;
use std::pin::pin;

use coffeeshop_core::ports::{Clock, Leaderboard, Scan, ScoreStore, ShopRecords};
use coffeeshop_core::score::Score;
use indicatif::ProgressBar;

use crate::cli::{Command, Invocation, dlq, export, photos};
use crate::command::dlq::Desk;
use crate::command::export::Work;
use crate::command::photos::Desk as PhotoDesk;
use crate::command::{Session, rebuild, show, top, verify};
use crate::dlq::stop::Stop;
use crate::failure::{Failure, Why};
use crate::output::Output;
use crate::progress::Teller;
use crate::rebuild::Mode;
use crate::wiring::{self, PhotoPorts, Wiring};

/// Does what is asked for with messages, and writes results to `lines`. The first `interrupt` ends it when what is in flight
/// is finished, the second at once.
pub async fn run_dlq<P: Wiring>(
    invocation: &dlq::Invocation,
    ports: wiring::Ports<'_, P>,
    lines: impl Write,
    teller: Teller,
    interrupt: impl AsyncFn(),
) -> Result<Verdict, Failure> {
    let desk = Desk { invocation, ports, output: Output::new(lines, teller.bar()), teller, stop: Stop::default() };
    // It is large, and is handed on.
    let work = Box::pin(desk.work());
    until_stopped(&desk.output, &desk.teller, &desk.stop, interrupt, work).await
}

/// Does what is asked for with photos, and writes results to `lines`. The first `interrupt` ends it when what is in flight
/// is finished, the second at once.
pub async fn run_photos<P: Wiring>(
    invocation: &photos::Invocation,
    ports: PhotoPorts<'_, P>,
    lines: impl Write,
    teller: Teller,
    interrupt: impl AsyncFn(),
) -> Result<Verdict, Failure> {
    let output = Output::new(lines, teller.bar());
    let desk = PhotoDesk { invocation, ports, output, teller, stop: Stop::default() };
    let work = pin!(desk.work());
    until_stopped(&desk.output, &desk.teller, &desk.stop, interrupt, work).await
}

/// Waits until the work is done, somebody wants it to stop, or nobody reads the results any more.
async fn until_stopped<W: Write>(
    output: &Output<W>,
    teller: &Teller,
    stop: &Stop,
    interrupt: impl AsyncFn(),
    work: impl Future<Output = Result<Verdict, Failure>>,
) -> Result<Verdict, Failure> {
    let at_once = async {
        loop {
            interrupt().await;
            if stop.request() {
                return;
            }
            if stop.is_requested() {
                teller.warn("stopping when what is in flight is finished; once more to stop at once");
            }
        }
    };
    let unheard = async {
        output.broken().await;
        stop.request();
        pending::<Infallible>().await
    };
    let ended = tokio::select! {
        biased;
        () = at_once => Err(Why::Interrupted { repairs: false }.into()),
        never = unheard => match never {},
        ended = work => ended,
    };
    match output.finish() {
        Err(error) => Err(Failure { why: Why::Output(error), again: ended.err().and_then(|failure| failure.again) }),
        Ok(()) => ended,
    }
}

/// What commands work on.
#[derive(Debug, Clone, Copy)]
pub struct Ports<'a, S, L, C> {
    /// All that there is of each shop.
    pub store: &'a S,
    /// The leaderboards.
    pub board: &'a L,
    /// Time.
    pub clock: &'a C,
}

/// What a command that did its work found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All is well.
    Well,
    /// Scores are not as the ratings say; or something was busy, or could not be understood, so that nobody knows.
    Amiss,
}

impl Verdict {
    /// The exit status.
    pub fn status(self) -> u8 {
        match self {
            Self::Well => 0,
            Self::Amiss => 3,
        }
    }
}

/// Waits for Ctrl-C, if anybody can hear it.
pub async fn ctrl_c() {
    if tokio::signal::ctrl_c().await.is_err() {
        pending::<()>().await;
    }
}

/// Does what is asked for, and writes results to `lines`. `interrupt` ends it at once.
pub async fn run<S, L, C>(
    invocation: &Invocation,
    ports: &Ports<'_, S, L, C>,
    lines: impl Write,
    bar: ProgressBar,
    interrupt: impl Future<Output = ()>,
) -> Result<Verdict, Failure>
where
    S: ScoreStore + ShopRecords,
    L: Leaderboard,
    C: Clock,
{
    let session = Session::new(invocation, Output::new(lines, bar));
    let command = async {
        match &invocation.command {
            Command::Top(arguments) => top::run(ports, &session, arguments).await,
            Command::Show(shop_id) => show::run(ports, &session, shop_id).await,
            Command::Verify(which) => verify::run(ports, &session, which).await,
            Command::Rebuild(which, mode) => rebuild::run(ports, &session, which, *mode).await,
        }
    };
    // Whoever is dropped here is between two calls, or in one that is done whole or not at all. But a shop may be between
    // its two repairs: run again, it gets the second.
    let repairs = matches!(invocation.command, Command::Rebuild(_, Mode::Write));
    let ended = tokio::select! {
        biased;
        () = interrupt => Err(Why::Interrupted { repairs }.into()),
        () = session.output.broken() => Ok(Verdict::Amiss),
        ended = command => ended,
    };
    // What could not be written comes first: nobody has seen the rest.
    let failed = match session.output.finish() {
        Err(error) => Why::Output(error).into(),
        Ok(()) => match ended {
            Ok(verdict) => return Ok(verdict),
            Err(failure) => failure,
        },
    };
    Err(session.stopped(failed))
}

/// What scores are exported from.
#[derive(Debug, Clone, Copy)]
pub struct ExportPorts<'a, S, C> {
    /// All scores.
    pub scores: &'a S,
    /// Time.
    pub clock: &'a C,
}

/// Writes all scores to a file, or to `stdout`. `interrupt` ends it at once, and leaves no file.
pub async fn run_export<S, C>(
    invocation: &export::Invocation,
    ports: ExportPorts<'_, S, C>,
    stdout: impl Write,
    stdout_is_terminal: bool,
    teller: Teller,
    interrupt: impl Future<Output = ()>,
) -> Result<Verdict, Failure>
where
    S: Scan<Score>,
    C: Clock,
{
    let work = Work { arguments: &invocation.arguments, ports, teller: &teller };
    let ended = tokio::select! {
        biased;
        () = interrupt => Err(Why::Interrupted { repairs: false }.into()),
        ended = work.run(stdout, stdout_is_terminal) => ended,
    };
    teller.end();
    ended
}
