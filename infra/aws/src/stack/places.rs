//! Where the failures of a stack rest: in which of its queues and buckets, what feeds each, and where a replay would go.
//!
//! Pure. No name is known here but those of the template's outputs.

mod records;

use std::collections::BTreeMap;

use coffeeshop_core::place::{NoTarget, Place, Reader, Reads, Resting, Source, Target, TargetQueue};

use super::describe::{Described, Queue, Subscription};

/// What feeds a place.
#[derive(Clone, Copy)]
enum Feeder<'a> {
    /// With after how many receives it gives a message up.
    Queue(&'a Queue, u32),
    Subscription(&'a Subscription),
}

struct Stack<'a> {
    described: &'a Described,
    name: &'a str,
    outputs: &'a BTreeMap<String, String>,
}

/// What the keys of archives begin with, of each mapping that the stack has.
pub(super) fn prefixes(outputs: &BTreeMap<String, String>) -> Vec<String> {
    let mappings = ["AggregatorMapping", "PhotosMapping", "ScoresMapping", "BoardsMapping"];
    mappings.iter().filter_map(|output| Some(records::prefix(outputs.get(*output)?))).collect()
}

/// The bucket for failures, if the stack has one.
pub(super) fn bucket(outputs: &BTreeMap<String, String>) -> Option<&str> {
    outputs.get("FailuresBucket").map(String::as_str)
}

/// Every place of the stack, by name.
pub(super) fn places(described: &Described, stack_name: &str, outputs: &BTreeMap<String, String>) -> Vec<Place> {
    let stack = Stack { described, name: stack_name, outputs };
    let queues = described.queues.iter().filter_map(|queue| stack.quarantine(queue).or_else(|| stack.place(queue)));
    let archives = [stack.aggregator_failures(), stack.publisher_failures()];
    let mut places: Vec<Place> = queues.chain(archives.into_iter().flatten()).collect();
    places.sort_by(|a, b| a.name.cmp(&b.name));
    places
}

impl<'a> Stack<'a> {
    /// The queue as a place; `None`: nothing of the stack gives anything up to it.
    fn place(&self, queue: &Queue) -> Option<Place> {
        let sources = self.sources(&queue.arn);
        let source = match *sources.first()? {
            Feeder::Queue(_, receives_max) => Source::Queue { receives_max },
            Feeder::Subscription(subscription) => Source::Subscription { topic: self.short(&subscription.topic_arn) },
        };
        Some(Place {
            name: self.short(&queue.arn),
            source,
            resting: Resting::Queue { queue: queue.url.clone(), retention: queue.retention },
            target: self.target(queue, &sources),
        })
    }

    /// What of the stack feeds the queue of this ARN: queues first.
    fn sources(&self, arn: &str) -> Vec<Feeder<'a>> {
        let Described { queues, subscriptions, .. } = self.described;
        let own = queues.iter().filter(|queue| queue.own);
        let queues = own.filter_map(|queue| match &queue.gives_up {
            Some((to, receives_max)) if to == arn => Some(Feeder::Queue(queue, *receives_max)),
            _ => None,
        });
        let subscriptions = subscriptions.iter().filter(|subscription| subscription.gives_up.as_deref() == Some(arn));
        queues.chain(subscriptions.map(Feeder::Subscription)).collect()
    }

    fn target(&self, queue: &Queue, sources: &[Feeder<'_>]) -> Result<Target, NoTarget> {
        if queue.fifo {
            return Err(NoTarget::Fifo);
        }
        let [source] = sources else {
            let mut names: Vec<String> = sources.iter().map(|source| self.called(*source)).collect();
            names.sort();
            return Err(NoTarget::Several(names));
        };
        let target = match source {
            Feeder::Queue(target, _) => Some(*target),
            Feeder::Subscription(subscription) if subscription.protocol == "sqs" => self.queue(&subscription.endpoint),
            Feeder::Subscription(_) => None,
        };
        let target = target.ok_or_else(|| NoTarget::NoQueue(self.called(*source)))?;
        if target.fifo {
            return Err(NoTarget::Fifo);
        }
        let gives_up = target.gives_up.as_ref();
        Ok(Target::Queue(TargetQueue {
            name: self.short(&target.arn),
            queue: target.url.clone(),
            visibility: target.visibility,
            gives_up: gives_up.and_then(|(arn, receives_max)| Some((self.queue(arn)?.url.clone(), *receives_max))),
            reader: self.reader(target),
        }))
    }

    fn queue(&self, arn: &str) -> Option<&'a Queue> {
        self.described.queues.iter().find(|queue| queue.arn == arn)
    }

    fn reader(&self, target: &Queue) -> Option<Reader> {
        let output = |name: &str| self.outputs.get(name);
        let reads = |url: &str| output(url) == Some(&target.url.0);
        let (function, reads) = if reads("UploadsQueueUrl") {
            let originals_bucket = output("OriginalsBucket")?.clone();
            (output("ThumbnailerFunction")?, Reads::Uploads { originals_bucket })
        } else if reads("NotificationsQueueUrl") {
            (output("NotifierFunction")?, Reads::Notifications)
        } else if reads("DeliveriesQueueUrl") {
            (output("NotifierFunction")?, Reads::Deliveries)
        } else {
            return None;
        };
        Some(Reader { function: self.short(function), reads })
    }

    /// For a person. An endpoint that is no queue is not said: it may have a secret in it.
    fn called(&self, source: Feeder<'_>) -> String {
        match source {
            Feeder::Queue(queue, _) => self.short(&queue.arn),
            Feeder::Subscription(Subscription { topic_arn, protocol, endpoint, .. }) => {
                let topic = self.short(topic_arn);
                if protocol == "sqs" {
                    format!("the subscription of {} to {topic}", self.short(endpoint))
                } else {
                    format!("the {protocol} subscription to {topic}")
                }
            }
        }
    }

    /// The name in an ARN, or a name, without the stack's.
    fn short(&self, arn: &str) -> String {
        let name = arn.rsplit(':').next().unwrap_or(arn);
        let short = name.strip_prefix(self.name).and_then(|rest| rest.strip_prefix('-'));
        short.unwrap_or(name).to_owned()
    }
}

#[cfg(test)]
mod tests;
