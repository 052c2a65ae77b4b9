//! How fast `coffeeshop dlq replay` is beside the emulator itself, and what it needs of memory: `cargo xtask bench replay`.
//!
//! The ceiling is what the emulator gives to the same calls from the same client, as many at once, with nothing done in
//! between: no plan, no journal. Each task runs in a process of its own, whose memory is then its own, in turns. Prints,
//! and saves nothing. No limit is set here. Linux only.

mod task;

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use aws_sdk_sqs::Client;
use coffeeshop_core::ports::{Attribute, Content, QueueUrl, Queues as _};
use coffeeshop_local::{Options, Stack};
use futures::stream::{self, StreamExt as _};

use crate::task::{Bench, Measured, Task};

/// How many messages are replayed to see how fast it is.
const MESSAGES: usize = 5_000;

/// How often.
const ROUNDS: usize = 5;

/// How many messages are replayed to see what it needs of memory.
const SIZES: [usize; 2] = [1_000, 100_000];

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [] => all().await,
        [task, bench] => task::run(serde_json::from_str(task)?, &serde_json::from_str(bench)?).await,
        _ => bail!("it takes no arguments"),
    }
}

#[expect(clippy::print_stdout, reason = "it prints what it measures")]
async fn all() -> Result<()> {
    let options = Options { stack_name: "bench".to_owned(), progress: |line| println!("{line}"), ..Options::new() };
    let stack = Stack::start(&options).await?;
    println!("\n{MESSAGES} messages: received, given back, received, sent and deleted; messages a second\n");
    println!("{:>5}  {:>8}  {:>8}  {:>6}", "round", "ceiling", "replay", "ratio");
    let mut ratios = Vec::new();
    for round in 1..=ROUNDS {
        let ceiling = measured(&stack, &format!("ceiling-{round}"), Task::Ceiling, MESSAGES).await?;
        let replay = measured(&stack, &format!("replay-{round}"), Task::Replay, MESSAGES).await?;
        let ratio = ceiling.seconds / replay.seconds;
        let rate = |measured: &Measured| task::count(MESSAGES) / measured.seconds;
        println!("{round:>5}  {:>8.0}  {:>8.0}  {:>5.0}%", rate(&ceiling), rate(&replay), 100.0 * ratio);
        ratios.push(ratio);
    }
    ratios.sort_by(f64::total_cmp);
    println!("\nmedian: {:.0}% of the ceiling\n", 100.0 * ratios.get(ROUNDS / 2).copied().unwrap_or_default());
    let mut peaks = Vec::new();
    for messages in SIZES {
        let replay = measured(&stack, &format!("memory-{messages}"), Task::Replay, messages).await?;
        println!("replay of {messages}: {:.0} s, peak memory {:.1} MiB", replay.seconds, replay.peak_mib());
        peaks.push(replay.peak_mib());
    }
    if let [few, many] = peaks.as_slice() {
        println!("more with {} than with {}: {:.1} MiB", SIZES[1], SIZES[0], many - few);
    }
    stack.stop().await
}

/// The task on so many messages, in a process of its own.
async fn measured(stack: &Stack, name: &str, task: Task, messages: usize) -> Result<Measured> {
    let sqs = Client::new(&stack.info().sdk_config());
    let mut urls = Vec::new();
    for queue in [format!("{name}-dlq"), name.to_owned()] {
        let created = sqs.create_queue().queue_name(queue).send().await?;
        urls.push(QueueUrl(created.queue_url.context("a queue without a URL")?));
    }
    let [from, to] = urls.try_into().ok().context("two queues")?;
    let queues = coffeeshop_aws::stack::Stack::of(stack.info()).queues();
    let filling =
        stream::iter((0..messages).collect::<Vec<_>>().chunks(1000).map(<[usize]>::to_vec).collect::<Vec<_>>());
    filling
        .for_each_concurrent(4, |some| {
            let (queues, from) = (&queues, &from);
            async move {
                let contents: Vec<Content> = some.into_iter().map(parked).collect();
                let sent = queues.send(from, &contents).await;
                assert!(sent.iter().all(Result::is_ok), "the queue could not be filled");
            }
        })
        .await;
    let bench = Bench { info: stack.info().clone(), from: from.0, to: to.0 };
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(serde_json::to_string(&task)?).arg(serde_json::to_string(&bench)?);
    let output = command.stderr(Stdio::inherit()).output().context("it could not be started again")?;
    ensure!(output.status.success(), "{task:?} failed ({})", output.status);
    let depth = queues.depth(&QueueUrl(bench.to)).await?;
    ensure!(depth.total() == messages as u64, "{} of {messages} messages arrived", depth.total());
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// What the thumbnailer parks, in its size.
fn parked(i: usize) -> Content {
    let key = format!("uploads/somewhere/else/{i}");
    let padding = "x".repeat(700);
    let body = format!(
        r#"{{"Records":[{{"eventName":"ObjectCreated:Put","s3":{{"object":{{"key":"{key}"}}}},"padding":"{padding}"}}]}}"#
    );
    let attributes = [("reason", "unexpected_key".to_owned()), ("error", format!("`{key}` is no photo's"))];
    let attributes = attributes.map(|(name, text)| (name.to_owned(), Attribute::text(text)));
    Content { body, attributes: attributes.into(), trace_header: None }
}
