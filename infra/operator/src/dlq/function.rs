//! Records handed to their function again; and the scores held against the ratings that they name.
//!
//! A record may be older than a repair, and would bring an old state back. So after each invocation with records of ratings,
//! what scores hold of these ratings is made what the ratings say, as in the second pass of `scores rebuild`. Only then is
//! a record done. Which records are handed over is decided elsewhere.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use coffeeshop_core::ids::ShopId;
use coffeeshop_core::place::{Records, Target, TargetFunction};
use coffeeshop_core::ports::{
    Answer, Content, Functions as _, MessageId, NotSent, PortError, Queues as _, RECEIVE_MESSAGES_MAX,
};
use coffeeshop_core::rating::RatingKey;
use coffeeshop_core::replayed::REPLAYED;
use futures::stream::{self, StreamExt as _};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::batch::{self, Record};
use super::run::{Run, in_words};
use crate::attempts::{ATTEMPTS_MAX, Attempts};
use crate::difference::Difference;
use crate::rebuild::repair_ratings;
use crate::wiring::Wiring;

/// How often it is tried when it does not get through; when it is only too much at once, more often.
const TRIES_MAX: u32 = 2;

const INVOKE: &str = "functions.invoke";
const HOLD: &str = "ratings.hold";

/// What became of records that were handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Handled {
    /// So many of them are done, from the first on.
    UpTo(usize),
    /// None is, as far as is known; why.
    Failed(String),
}

impl<P: Wiring> Run<'_, P> {
    /// Has messages done again, each by itself; their new ids, if they get any.
    pub(super) async fn deliver(&self, to: &Target, contents: &[Content]) -> Vec<Result<Option<MessageId>, NotSent>> {
        match to {
            Target::Queue(queue) => {
                let sent = self.ports.queues.send(&queue.queue, contents).await;
                sent.into_iter().map(|sent| sent.map(Some)).collect()
            }
            Target::Function(function) => {
                let handed = stream::iter(contents).map(|content| self.hand_over(function, content));
                handed.buffered(RECEIVE_MESSAGES_MAX).map(|handed| handed.map(|()| None)).collect().await
            }
        }
    }

    /// Hands the records of one message over.
    async fn hand_over(&self, function: &TargetFunction, content: &Content) -> Result<(), NotSent> {
        let certainly = |error| NotSent { certain: true, error: PortError::new(INVOKE, error) };
        let records = batch::records(&content.body).map_err(certainly)?;
        if records.is_empty() {
            return Err(certainly("it has no records".to_owned()));
        }
        let replayed = content.attribute(REPLAYED).unwrap_or_default();
        let handled = self.invoke(function, &records, replayed).await;
        let held = self.hold(function, &batch::ratings(&records)).await;
        let handled = handled.map_err(|error| NotSent { certain: error.busy, error })?;
        match handled {
            Handled::UpTo(done) if done == records.len() => {}
            Handled::UpTo(_) => return Err(certainly("the function gave it back".to_owned())),
            Handled::Failed(error) => return Err(certainly(error)),
        }
        let not_held = held.map_err(|error| NotSent { certain: false, error })?;
        not_held.map_or(Ok(()), |why| Err(NotSent { certain: false, error: PortError::new(HOLD, why) }))
    }

    /// Invokes the function with these records. What is done twice changes nothing, so it is tried again.
    pub(super) async fn invoke(
        &self,
        function: &TargetFunction,
        records: &[Box<RawValue>],
        replayed: &str,
    ) -> Result<Handled, PortError> {
        let event = batch::event(records, replayed).map_err(|error| PortError::new(INVOKE, error))?;
        let (event, mut pauses) = (Bytes::from(event), Attempts::new(self.ports.clock));
        let (mut attempts, mut tries) = (0, 0);
        loop {
            match self.ports.functions.invoke(&function.function, event.clone()).await {
                Ok(Answer::Failed { error }) => return Ok(Handled::Failed(error)),
                Ok(Answer::Returned(response)) => return Ok(handled(&response, records)),
                Err(error) => {
                    attempts += 1;
                    tries += u32::from(!error.busy);
                    if attempts >= ATTEMPTS_MAX || tries >= TRIES_MAX || self.stop.is_requested() {
                        // One that was lost before may have run.
                        return Err(PortError { busy: error.busy && tries == 0, ..error });
                    }
                }
            }
            pauses.pause_before(attempts).await;
        }
    }

    /// Makes what scores hold of these ratings what the ratings say, if the function's records are of ratings at all; why some
    /// could not be set right. One shop keeps no other from it.
    pub(super) async fn hold(
        &self,
        function: &TargetFunction,
        ratings: &BTreeSet<RatingKey>,
    ) -> Result<Option<String>, PortError> {
        let Records::Ratings { .. } = function.records else { return Ok(None) };
        let (mut failed, mut not_held) = (None, None);
        let mut shops: BTreeMap<&ShopId, Vec<RatingKey>> = BTreeMap::new();
        for rating in ratings {
            shops.entry(&rating.shop_id).or_default().push(rating.clone());
        }
        for (shop_id, ratings) in shops {
            let unreadable = RefCell::new(None);
            let found = |difference: Difference| {
                if let Difference::Unreadable { error, .. } = difference {
                    unreadable.borrow_mut().get_or_insert(error);
                }
            };
            let repaired = repair_ratings(self.ports.records, self.ports.clock, shop_id, &ratings, &found).await;
            let done = match repaired {
                Ok(done) => done,
                Err(error) => {
                    failed.get_or_insert(error);
                    continue;
                }
            };
            self.held.set(self.held.get() + done.ratings);
            self.repaired.set(self.repaired.get() + done.contributions_repaired);
            if let Some(error) = unreadable.into_inner() {
                not_held.get_or_insert(in_words(&error));
            }
            if done.busy > 0 {
                not_held.get_or_insert(format!(
                    "what scores hold of ratings of {shop_id} could not be set right: others write all the time, or scores \
                     and contributions contradict each other, which `coffeeshop scores rebuild` repairs"
                ));
            }
        }
        failed.map_or(Ok(not_held), Err)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    item_identifier: Option<String>,
}

/// What a response says of the records: [nothing named is all done; from what is named on, nothing is][1].
///
/// [1]: https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
fn handled(response: &[u8], records: &[Box<RawValue>]) -> Handled {
    // A map, because an array would do for a struct.
    let named = serde_json::from_slice(response).and_then(|response: Option<Map<String, Value>>| {
        let named = response.and_then(|mut response| response.remove("batchItemFailures"));
        serde_json::from_value::<Option<Vec<Failure>>>(named.unwrap_or_default())
    });
    let named = match named {
        Ok(named) => named.unwrap_or_default(),
        Err(error) => return Handled::Failed(format!("the function's answer makes no sense: {error}")),
    };
    let mut done = records.len();
    for failure in named {
        let number = failure.item_identifier.unwrap_or_default();
        let is_it = |record: &RawValue| {
            Record::of(record).and_then(|record| record.dynamodb.sequence_number).is_some_and(|of| of == number)
        };
        match records.iter().position(|record| is_it(record)) {
            Some(position) if !number.is_empty() => done = done.min(position),
            _ => return Handled::Failed(format!("the function gave back a record that is not there: {number:?}")),
        }
    }
    Handled::UpTo(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(response: &str, expected: Option<usize>) {
        let record = |number: &str| format!(r#"{{"dynamodb":{{"SequenceNumber":"{number}"}}}}"#);
        let records: Vec<Box<RawValue>> =
            ["7", "8", "9"].map(|number| RawValue::from_string(record(number)).unwrap()).into();
        match handled(response.as_bytes(), &records) {
            Handled::UpTo(done) => assert_eq!(Some(done), expected, "{response}"),
            Handled::Failed(_) => assert_eq!(None, expected, "{response}"),
        }
    }

    #[test]
    fn from_what_is_named_on_nothing_is_done() {
        for nothing_named in ["null", r#"{"batchItemFailures":[]}"#] {
            check(nothing_named, Some(3));
        }
        let named = |number: &str| format!(r#"{{"itemIdentifier":{number}}}"#);
        let response = |named: &[String]| format!(r#"{{"batchItemFailures":[{}]}}"#, named.join(","));
        check(&response(&[named("\"7\"")]), Some(0));
        check(&response(&[named("\"9\""), named("\"8\"")]), Some(1));
        for nobody in ["\"6\"", "\"\"", "null"] {
            check(&response(&[named("\"9\""), named(nobody)]), None);
        }
        check(&response(&[named("\"7\""), named("\"9\"")]), Some(0));
        check(r#"{"batchItemFailures":null}"#, Some(3));
        check("{}", Some(3));
        for nonsense in ["", "[]", "[null]", "5", r#"{"batchItemFailures":{}}"#, r#"{"batchItemFailures":[null]}"#] {
            check(nonsense, None);
        }
    }
}
