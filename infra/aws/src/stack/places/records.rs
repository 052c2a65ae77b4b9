//! The places of records of streams: those that make no sense, and batches that kept failing. What does them again is the
//! function that they were for.
//!
//! A stack of an older template, without one of the outputs that say where they are, does not have them.

use std::time::Duration;

use coffeeshop_core::place::{Archives, Place, Records, Resting, Source, Target, TargetFunction};

use super::super::describe::{Expiry, Queue};
use super::{Stack, bucket};

impl Stack<'_> {
    /// The queue as the place of ratings that make no sense; `None`: it is another one.
    pub(super) fn quarantine(&self, queue: &Queue) -> Option<Place> {
        if !queue.own || self.output("QuarantineQueueUrl")? != queue.url.0 {
            return None;
        }
        Some(Place {
            name: self.short(&queue.arn),
            source: Source::Function { name: self.short(self.output("AggregatorFunction")?) },
            resting: Resting::Queue { queue: queue.url.clone(), retention: queue.retention },
            target: Ok(self.function("AggregatorFunction", self.ratings()?)?),
        })
    }

    /// Batches of ratings that kept failing.
    pub(super) fn aggregator_failures(&self) -> Option<Place> {
        let target = self.function("AggregatorFunction", self.ratings()?)?;
        self.failures(target, &["ratings"], &["AggregatorMapping"])
    }

    /// Batches of what is announced that kept failing.
    pub(super) fn publisher_failures(&self) -> Option<Place> {
        let target = self.function("PublisherFunction", Records::States)?;
        let mappings = ["PhotosMapping", "ScoresMapping", "BoardsMapping"];
        self.failures(target, &["photos", "scores", "boards"], &mappings)
    }

    /// Where [Lambda puts batches][1] of these mappings. The tables are called as a person does: their names are not for
    /// people, CloudFormation makes them.
    ///
    /// [1]: https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
    fn failures(&self, target: Target, tables: &[&str], mappings: &[&str]) -> Option<Place> {
        let prefix = |output: &&str| Some(prefix(self.output(output)?));
        let mut prefixes: Vec<String> = mappings.iter().map(prefix).collect::<Option<_>>()?;
        // What a mapping archived before it was made anew is under its earlier id.
        let function = target.address();
        let earlier = self.described.mappings.iter().filter(|mapping| mapping.function == function);
        let earlier: Vec<String> =
            earlier.map(|mapping| &mapping.prefix).filter(|prefix| !prefixes.contains(prefix)).cloned().collect();
        prefixes.extend(earlier);
        Some(Place {
            name: format!("{}-failures", target.name()),
            source: Source::Streams { tables: tables.iter().map(|table| (*table).to_owned()).collect() },
            resting: Resting::Archives(Archives {
                bucket: bucket(self.outputs)?.to_owned(),
                retention: retention(&self.described.expiries, &prefixes),
                prefixes,
            }),
            target: Ok(target),
        })
    }

    fn function(&self, output: &str, records: Records) -> Option<Target> {
        let function = self.output(output)?;
        Some(Target::Function(TargetFunction { name: self.short(function), function: function.to_owned(), records }))
    }

    fn ratings(&self) -> Option<Records> {
        Some(Records::Ratings { table: self.output("RatingsTable")?.to_owned() })
    }

    fn output(&self, name: &str) -> Option<&str> {
        self.outputs.get(name).map(String::as_str)
    }
}

/// Where Lambda puts the archives of a mapping.
pub(super) fn prefix(mapping: &str) -> String {
    format!("aws/lambda/{mapping}/")
}

/// How long any object with one of these prefixes stays at least: what expires first counts.
fn retention(expiries: &[Expiry], prefixes: &[String]) -> Option<Duration> {
    let applies = |expiry: &&Expiry| prefixes.iter().any(|prefix| prefix.starts_with(&expiry.prefix));
    expiries.iter().filter(applies).map(|expiry| expiry.after).min()
}

#[cfg(test)]
mod tests;
