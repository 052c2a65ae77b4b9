//! What is measured, in a process of its own.
//!
//! What comes of it is for who started it.

use std::fs;
use std::future::pending;
use std::io;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use coffeeshop_aws::SystemClock;
use coffeeshop_aws::queues::SqsQueues;
use coffeeshop_aws::stack::{Stack, StackInfo};
use coffeeshop_core::place::{Place, Resting, Source, Target, TargetQueue};
use coffeeshop_core::ports::{Content, QueueUrl, Queues as _, Receipt};
use coffeeshop_local::repo_root;
use coffeeshop_operator::cli::Typed;
use coffeeshop_operator::progress::Teller;
use coffeeshop_operator::run::{Verdict, run_dlq};
use coffeeshop_operator::wiring::{OnAws, Ports};
use futures::future::join_all;
use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};

/// As many calls at once as the command makes.
const CALLS_AT_ONCE: usize = 8;

/// Messages in a call.
const CALL_MESSAGES: usize = 10;

/// As the command hides messages.
const HIDDEN: Duration = Duration::from_mins(10);

/// Which task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Task {
    /// The calls alone.
    Ceiling,
    /// The command.
    Replay,
}

/// On which queues.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Bench {
    pub(crate) info: StackInfo,
    pub(crate) from: String,
    pub(crate) to: String,
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) seconds: f64,
    peak_kib: u32,
}

impl Measured {
    pub(crate) fn peak_mib(&self) -> f64 {
        f64::from(self.peak_kib) / 1024.0
    }
}

/// As a number to divide by.
pub(crate) fn count(messages: usize) -> f64 {
    u32::try_from(messages).map_or(f64::INFINITY, f64::from)
}

/// Does it, and prints what came of it.
#[expect(clippy::print_stdout, reason = "this is how the process answers")]
pub(crate) async fn run(task: Task, Bench { info, from, to }: &Bench) -> Result<()> {
    let queues = Stack::of(info).queues();
    let (from, to) = (QueueUrl(from.clone()), QueueUrl(to.clone()));
    let begun = Instant::now();
    match task {
        Task::Ceiling => ceiling(&queues, &from, &to).await?,
        Task::Replay => Box::pin(replay(info, &queues, from, to)).await?,
    }
    let measured = Measured { seconds: begun.elapsed().as_secs_f64(), peak_kib: peak_kib()? };
    println!("{}", serde_json::to_string(&measured)?);
    Ok(())
}

/// The command's calls, with nothing in between.
async fn ceiling(queues: &SqsQueues, from: &QueueUrl, to: &QueueUrl) -> Result<()> {
    let receive = async || -> Result<Vec<Receipt>> {
        let mut receipts = Vec::new();
        loop {
            let messages = queues.receive(from, CALL_MESSAGES, HIDDEN).await?;
            if messages.is_empty() {
                return Ok(receipts);
            }
            receipts.extend(messages.into_iter().map(|message| message.receipt));
        }
    };
    for receipts in join_all((0..CALLS_AT_ONCE).map(|_| receive())).await {
        for result in queues.give_back(from, &receipts?).await {
            result?;
        }
    }
    let send = async || -> Result<()> {
        loop {
            let messages = queues.receive(from, CALL_MESSAGES, HIDDEN).await?;
            if messages.is_empty() {
                return Ok(());
            }
            let (receipts, contents): (Vec<Receipt>, Vec<Content>) =
                messages.into_iter().map(|message| (message.receipt, message.content)).unzip();
            for result in queues.send(to, &contents).await {
                result?;
            }
            for result in queues.delete(from, &receipts).await {
                result?;
            }
        }
    };
    join_all((0..CALLS_AT_ONCE).map(|_| send())).await.into_iter().collect()
}

async fn replay(info: &StackInfo, queues: &SqsQueues, from: QueueUrl, to: QueueUrl) -> Result<()> {
    let target = TargetQueue {
        name: "bench".to_owned(),
        queue: to,
        visibility: Duration::from_secs(30),
        gives_up: None,
        reader: None,
    };
    let places = [Place {
        name: "bench-dlq".to_owned(),
        source: Source::Queue { receives_max: 5 },
        resting: Resting::Queue { queue: from, retention: Duration::from_hours(14 * 24) },
        target: Ok(Target::Queue(target)),
    }];
    let typed = "coffeeshop dlq replay bench-dlq --execute --json --local".split(' ');
    let Typed::Dlq(invocation) = Typed::parse(typed)? else { unreachable!("it is about messages") };
    let journals = repo_root().join("target/bench").join(std::process::id().to_string());
    let stack = Stack::of(info);
    let ports = Ports::<OnAws> {
        queues,
        objects: &stack.objects(),
        functions: &stack.functions(),
        streams: &stack.streams(),
        records: &stack.shop_records()?,
        clock: &SystemClock,
        places: &places,
        journals: &journals,
        editor: "false",
    };
    let done = run_dlq(&invocation, ports, io::sink(), Teller::new(ProgressBar::hidden(), None), pending).await;
    fs::remove_dir_all(&journals)?;
    let verdict = done.map_err(|failure| anyhow::anyhow!(failure.text()))?;
    ensure!(verdict == Verdict::Well, "some messages were not replayed");
    Ok(())
}

/// The most memory that this process had at once.
fn peak_kib() -> Result<u32> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}
