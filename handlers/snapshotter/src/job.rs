//! The jobs, and what a run of one answers.
//!
//! A run that does not get the lease does nothing: whoever has it is at it. A job that fails is begun anew by the next schedule.

use std::time::Duration;

use coffeeshop_core::outcome::Outcome;
use coffeeshop_core::ports::{BoardStore, Clock, JobLease, JobLeases, Leaderboard, Put, Scan, Uploads};
use coffeeshop_core::score::Score;
use jiff::Timestamp;
use lambda_runtime::{Context, Error};
use serde::{Deserialize, Serialize};

use crate::{boards, report, snapshot};

/// How much longer a lease is than its run may take: Lambda has ended the run by then, as long as the clocks of two hosts differ
/// by less.
pub const LEASE_BEYOND: Duration = Duration::from_secs(30);

/// What a schedule asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Job {
    /// Leaderboards of all time, of this month and of the last: those of all shops, and of each city that a shop is in.
    Boards,
    /// Every leaderboard that there is.
    EveryBoard,
    /// A snapshot of all scores.
    Scores,
    /// A snapshot of all photos' outcomes.
    Photos,
}

impl Job {
    /// What the lease is called. Leaderboards have one writer, so both their jobs have one lease.
    fn lease(self) -> &'static str {
        match self {
            Self::Boards | Self::EveryBoard => "boards",
            Self::Scores => "scores",
            Self::Photos => "photos",
        }
    }
}

/// The payload of an invocation, as the schedules of the template have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Which job.
    pub job: Job,
}

/// What became of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "ended", rename_all = "snake_case")]
pub enum Ended {
    /// Nothing was done, because another run has the lease.
    Skipped,
    /// Leaderboards were compared.
    Boards(boards::Summary),
    /// A snapshot is there.
    Snapshot(snapshot::Manifest),
}

/// Everything outside.
#[derive(Debug)]
pub struct Deps<'a, B, L, S, P, U, C> {
    /// Leaderboards as announced, and leases.
    pub boards: &'a B,
    /// Leaderboards as they are.
    pub leaderboard: &'a L,
    /// All scores.
    pub scores: &'a S,
    /// All outcomes of photos.
    pub photos: &'a P,
    /// The bucket of analytics.
    pub uploads: &'a U,
    /// What time it is.
    pub clock: &'a C,
}

/// Runs a job, if nobody else is at it.
pub async fn handle<B, L, S, P, U, C>(
    deps: &Deps<'_, B, L, S, P, U, C>,
    request: Request,
    context: &Context,
) -> Result<Ended, Error>
where
    B: BoardStore + JobLeases,
    L: Leaderboard,
    S: Scan<Score>,
    P: Scan<Outcome>,
    U: Uploads,
    C: Clock,
{
    let alone = async {
        let now = deps.clock.now();
        let deadline = Timestamp::from_millisecond(i64::try_from(context.deadline)?)?;
        // Lambda may deliver one event twice, with one id.
        let owner = format!("{} at {now}", context.request_id);
        let lease = JobLease { job: request.job.lease(), owner, until: deadline + LEASE_BEYOND };
        if deps.boards.take(&lease, now).await? == Put::LostRace {
            report::skipped(request.job);
            return Ok(Ended::Skipped);
        }
        let ended = run(deps, request.job).await;
        // A lease that is not given back runs out.
        if let Err(error) = deps.boards.give_back(&lease).await {
            report::lease_kept(request.job, &error);
        }
        ended
    };
    alone.await.inspect_err(|error: &Error| report::failed(request.job, error.as_ref()))
}

async fn run<B, L, S, P, U, C>(deps: &Deps<'_, B, L, S, P, U, C>, job: Job) -> Result<Ended, Error>
where
    B: BoardStore,
    L: Leaderboard,
    S: Scan<Score>,
    P: Scan<Outcome>,
    U: Uploads,
    C: Clock,
{
    Ok(match job {
        Job::Boards => Ended::Boards(boards::current(deps).await?),
        Job::EveryBoard => Ended::Boards(boards::every(deps).await?),
        Job::Scores => Ended::Snapshot(snapshot::hourly(deps.scores, deps.uploads, deps.clock).await?),
        Job::Photos => Ended::Snapshot(snapshot::daily(deps.photos, deps.uploads, deps.clock).await?),
    })
}
