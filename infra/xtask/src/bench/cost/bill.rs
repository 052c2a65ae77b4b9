//! How often each thing that costs happens, for one photo and for one rating, and what a million of them come to.
//!
//! What the code's own calls are is in `calls.json`, which tests hold; what AWS does around them is here. Left out: what the
//! app itself writes, storage, logs and metrics, what leaves AWS, leaderboards and snapshots, everything that goes wrong.

use super::inputs::{Inputs, RatingCalls};
use super::lambda::Work;

/// How many events SNS takes in one call, which is billed as one.
const EVENTS_A_PUBLISH: f64 = 10.0;

/// How many changes the publisher gets at once; the mappings' `BatchSize`.
const PUBLISHER_RECORDS: f64 = 100.0;

/// How many messages the thumbnailer gets at once; its `BatchSize`.
const UPLOADS: f64 = 5.0;

/// How many messages the notifier gets at once; its `BatchSize`.
const NOTIFIER_MESSAGES: f64 = 10.0;

/// Milliseconds of an invocation, alone and full: assumed, not measured. All of it is waiting for AWS. Were they twice as
/// long, full batches would cost a few cents a million more.
const AGGREGATOR_MS: [f64; 2] = [60.0, 500.0];
const PUBLISHER_MS: [f64; 2] = [30.0, 100.0];
const NOTIFIER_MS: [f64; 2] = [50.0, 100.0];

/// How photos, or ratings, come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Traffic {
    /// One at a time: each call is for one.
    Alone,
    /// So many that every batch is full.
    Full,
}

impl Traffic {
    fn of(self, alone: f64, full: f64) -> f64 {
        match self {
            Self::Alone => alone,
            Self::Full => full,
        }
    }

    fn assumed(self, [alone, full]: [f64; 2]) -> f64 {
        self.of(alone, full)
    }
}

/// Something that is billed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    /// Why it happens.
    pub(super) step: &'static str,
    pub(super) what: &'static str,
    /// For one photo or rating.
    pub(super) count: f64,
    /// For a million of them, in US dollars.
    pub(super) usd: f64,
}

/// What all of them come to.
pub(super) fn total(lines: &[Line]) -> f64 {
    lines.iter().map(|line| line.usd).sum()
}

/// How a million photos are made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Photos {
    pub(super) traffic: Traffic,
    /// Of a photo.
    pub(super) cpu_ms: f64,
    /// LISTs of a photo.
    pub(super) lists: f64,
    pub(super) memory_mb: f64,
}

impl Photos {
    /// What an invocation of the thumbnailer does.
    pub(super) fn work(&self, inputs: &Inputs) -> Work {
        let messages = self.traffic.of(1.0, UPLOADS);
        Work { messages, cpu_ms: self.cpu_ms, waiting_ms: inputs.beyond_pixels_ms.unwrap_or_default() }
    }

    /// A first upload that becomes ready, from the event of S3 to the inbox of who uploaded it.
    pub(super) fn lines(&self, inputs: &Inputs) -> Vec<Line> {
        let (rates, calls) = (&inputs.prices.usd_a_million, &inputs.calls.photo);
        let (uploads, told) = (self.traffic.of(1.0, UPLOADS), self.traffic.of(1.0, NOTIFIER_MESSAGES));
        let line = |step, what, count: f64, usd: f64| Line { step, what, count, usd: count * usd };
        let mut lines = vec![
            line("made", "S3 PUT", calls.s3_put, rates.s3_put.usd),
            line("made", "S3 LIST", self.lists, rates.s3_list.usd),
            line("made", "S3 GET", calls.s3_get, rates.s3_get.usd),
            line("made", "GB-seconds", self.work(inputs).gb_seconds(self.memory_mb), rates.lambda_gb_seconds.usd),
            line("made", "Lambda requests", 1.0 / uploads, rates.lambda_requests.usd),
            line("made", "write units", calls.write_units, rates.dynamodb_write_units.usd),
            line("made", "read units", calls.read_units, rates.dynamodb_read_units.usd),
            // S3 sends a message for each photo; Lambda receives and deletes batches.
            line("made", "SQS requests", 1.0 + 2.0 / uploads, rates.sqs_requests.usd),
        ];
        lines.extend(announced(inputs, self.traffic, 1.0));
        // Two steps, each with a message of its own: SNS, and then the notifier, sends one for each photo.
        let milliseconds = self.traffic.assumed(NOTIFIER_MS);
        let gb_seconds = 2.0 * gb_seconds(inputs, "NotifierFunction", milliseconds) / told;
        lines.extend([
            line("told", "GB-seconds", gb_seconds, rates.lambda_gb_seconds.usd),
            line("told", "Lambda requests", 2.0 / told, rates.lambda_requests.usd),
            // The item in the inbox.
            line("told", "write units", 1.0, rates.dynamodb_write_units.usd),
            // The uploader's channels, and then the channel again.
            line("told", "read units", 2.0, rates.dynamodb_read_units.usd),
            line("told", "SQS requests", 2.0 * (1.0 + 2.0 / told), rates.sqs_requests.usd),
        ]);
        lines
    }
}

/// A new rating, until its scores are announced. Nobody is notified of a score.
pub(super) fn rating_lines(inputs: &Inputs, traffic: Traffic) -> Vec<Line> {
    let rates = &inputs.prices.usd_a_million;
    let calls: &RatingCalls = match traffic {
        Traffic::Alone => &inputs.calls.rating_alone,
        Traffic::Full => &inputs.calls.ratings_batch,
    };
    let a_rating = |of_batch: f64| of_batch / calls.ratings;
    let line = |what, count: f64, usd: f64| Line { step: "counted", what, count, usd: count * usd };
    let gb_seconds = gb_seconds(inputs, "AggregatorFunction", traffic.assumed(AGGREGATOR_MS));
    let mut lines = vec![
        line("write units", a_rating(calls.write_units), rates.dynamodb_write_units.usd),
        line("read units", a_rating(calls.read_units), rates.dynamodb_read_units.usd),
        line("GB-seconds", a_rating(gb_seconds), rates.lambda_gb_seconds.usd),
        line("Lambda requests", a_rating(1.0), rates.lambda_requests.usd),
    ];
    lines.extend(announced(inputs, traffic, a_rating(calls.scores)));
    lines
}

/// What the publisher does with so many changes; Lambda reads streams free of charge.
fn announced(inputs: &Inputs, traffic: Traffic, changes: f64) -> [Line; 3] {
    let rates = &inputs.prices.usd_a_million;
    // Alone, all changes of one photo or rating come in one batch.
    let invocations = traffic.of(1.0, changes / PUBLISHER_RECORDS);
    let publishes = traffic.of((changes / EVENTS_A_PUBLISH).ceil(), changes / EVENTS_A_PUBLISH);
    let gb_seconds = invocations * gb_seconds(inputs, "PublisherFunction", traffic.assumed(PUBLISHER_MS));
    let line = |what, count: f64, usd: f64| Line { step: "announced", what, count, usd: count * usd };
    [
        line("SNS publishes", publishes, rates.sns_publishes.usd),
        line("GB-seconds", gb_seconds, rates.lambda_gb_seconds.usd),
        line("Lambda requests", invocations, rates.lambda_requests.usd),
    ]
}

/// Of one invocation.
fn gb_seconds(inputs: &Inputs, function: &str, milliseconds: f64) -> f64 {
    let memory_mb = inputs.functions.get(function).map_or(0.0, |function| function.memory_mb);
    milliseconds / 1000.0 * memory_mb / 1024.0
}

/// What Lambda's waiting for messages costs in a month of 30 days when none come: five long polls of 20 seconds side by
/// side, on each queue.
pub(super) fn idle_usd_a_month(inputs: &Inputs, queues: f64) -> f64 {
    let polls = 5.0 * 30.0 * 86_400.0 / 20.0;
    queues * polls / 1e6 * inputs.prices.usd_a_million.sqs_requests.usd
}

#[cfg(test)]
mod tests;
