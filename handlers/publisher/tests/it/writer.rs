//! Who writes the tables, and the records that their streams have of it.

use std::collections::HashMap;

use coffeeshop_core::board::{BoardEntry, BoardKey, BoardSnapshot, LEASE};
use coffeeshop_core::edition::Revision;
use coffeeshop_core::keys::PhotoKey;
use coffeeshop_core::outcome::{Answer, Outcome, Reason};
use coffeeshop_core::testing::contract::ready;
use coffeeshop_core::testing::scores_contract::score;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

/// A write: the record of it, and the id of what it says, if it says something.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    pub(crate) record: Value,
    pub(crate) says: Option<String>,
}

/// The images that there are by now.
#[derive(Default)]
pub(crate) struct Writer {
    images: HashMap<String, Value>,
    statuses: HashMap<String, String>,
    revisions: HashMap<String, u64>,
    number: u64,
}

/// A second for each revision, so that nothing says the time of another.
fn time(revision: u64) -> Timestamp {
    Timestamp::from_second(1_795_255_200 + i64::try_from(revision).unwrap()).unwrap()
}

impl Writer {
    /// The next answer to a photo of `shop-1`: `ready`, `rejected` or `removed`.
    pub(crate) fn photo(&mut self, photo: &str, status: &str) -> Written {
        let revision = self.next(photo);
        let key = PhotoKey::from_original(&format!("uploads/shop-1/{photo}")).unwrap();
        let ready = Outcome { processed_at: time(revision), ..ready(&key, revision) };
        let answer = match status {
            "ready" => ready.answer.clone(),
            "rejected" => Answer::Rejected { reason: Reason::Corrupt, detected: None },
            _ => Answer::Removed,
        };
        let before = self.statuses.insert(photo.to_owned(), status.to_owned());
        let silent = status == "removed" && before.as_deref() == Some("removed");
        let outcome = Outcome { answer, revision: Revision(revision), ..ready };
        let keys = json!({ "shop_id": { "S": "shop-1" }, "photo_id": { "S": photo } });
        let record = self.record("photos", &keys, &outcome);
        Written { record, says: (!silent).then(|| format!("photo/shop-1/{photo}/{revision}")) }
    }

    /// The next state of a shop's score of a period.
    pub(crate) fn score(&mut self, shop: &str, period: &str, ratings: u64) -> Written {
        let name = format!("{shop}/{period}");
        self.revise(&name, 1);
        let written = self.touch_score(shop, period, ratings);
        Written { says: Some(format!("score/{name}/{}", self.revisions[&name])), ..written }
    }

    /// A write to a score by which its revision is as before.
    pub(crate) fn touch_score(&mut self, shop: &str, period: &str, ratings: u64) -> Written {
        let revision = self.revisions[&format!("{shop}/{period}")];
        let mut score = score(&shop.parse().unwrap(), period, revision, ratings);
        score.updated_at = time(revision);
        let keys = json!({ "shop_id": { "S": shop }, "period": { "S": period } });
        Written { record: self.record("scores", &keys, &score), says: None }
    }

    /// The next version of a board of all time; versions have gaps.
    pub(crate) fn board(&mut self, board: &str, shops: &[&str]) -> Written {
        self.revise(board, 3);
        let (version, snapshot) = self.snapshot(board, shops);
        let keys = json!({ "board": { "S": board }, "period": { "S": "all" } });
        Written { record: self.record("boards", &keys, &snapshot), says: Some(format!("board/{board}/all/{version}")) }
    }

    fn snapshot(&self, board: &str, shops: &[&str]) -> (u64, BoardSnapshot) {
        let version = self.revisions[board];
        let entry = |shop: &&str| BoardEntry {
            shop_id: shop.parse().unwrap(),
            score_micros: 4_200_000,
            count: shops.len() as u64,
        };
        let snapshot = BoardSnapshot {
            key: BoardKey { board: board.parse().unwrap(), period: "all".parse().unwrap() },
            version,
            entries: shops.iter().map(entry).collect(),
            updated_at: time(version),
            exported: None,
        };
        (version, snapshot)
    }

    /// The version was put into the bucket, and the item says so.
    pub(crate) fn export_board(&mut self, board: &str, shops: &[&str]) -> Written {
        let (version, mut snapshot) = self.snapshot(board, shops);
        snapshot.exported = Some(version);
        let keys = json!({ "board": { "S": board }, "period": { "S": "all" } });
        Written { record: self.record("boards", &keys, &snapshot), says: None }
    }

    /// A lease is taken, by another run each time.
    pub(crate) fn lease(&mut self, job: &str) -> Written {
        let owner = self.next("lease");
        let keys = json!({ "board": { "S": job }, "period": { "S": LEASE } });
        let item = json!({ "board": job, "period": LEASE, "owner": owner.to_string(), "until": 1_795_255_500_000_u64 });
        Written { record: self.record("boards", &keys, &item), says: None }
    }

    /// The item that this was about is deleted.
    pub(crate) fn remove(&mut self, written: &Written) -> Written {
        let (mut record, number) = (written.record.clone(), self.next_number());
        record["eventName"] = "REMOVE".into();
        record["dynamodb"]["SequenceNumber"] = number.into();
        let change = record["dynamodb"].as_object_mut().unwrap();
        let image = change.remove("NewImage").unwrap();
        change.insert("OldImage".to_owned(), image);
        self.images.remove(&written.record["dynamodb"]["Keys"].to_string());
        Written { record, says: None }
    }

    fn next(&mut self, name: &str) -> u64 {
        self.revise(name, 1);
        self.revisions[name]
    }

    fn revise(&mut self, name: &str, by: u64) {
        *self.revisions.entry(name.to_owned()).or_default() += by;
    }

    fn next_number(&mut self) -> String {
        self.number += 1;
        format!("{:021}", 100_000_000_000_000_000_000_u128 + u128::from(self.number))
    }

    /// The record as Lambda delivers it.
    fn record(&mut self, table: &str, keys: &Value, item: &impl Serialize) -> Value {
        let image = serde_json::to_value(serde_dynamo::to_item::<_, serde_dynamo::Item>(item).unwrap()).unwrap();
        let old = self.images.insert(keys.to_string(), image.clone());
        let number = self.next_number();
        let mut record = json!({
            "eventID": format!("{table}-{number}"),
            "eventName": if old.is_some() { "MODIFY" } else { "INSERT" },
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "eu-central-1",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_795_255_200,
                "Keys": keys,
                "SequenceNumber": number,
                "SizeBytes": 120,
                "StreamViewType": "NEW_AND_OLD_IMAGES",
                "NewImage": image,
            },
            "eventSourceARN":
                format!("arn:aws:dynamodb:eu-central-1:000000000000:table/stack-{table}/stream/2026-11-21T10:00:00.000"),
        });
        if let Some(old) = old {
            record["dynamodb"]["OldImage"] = old;
        }
        record
    }
}

pub(crate) fn records(written: &[Written]) -> Vec<Value> {
    written.iter().map(|written| written.record.clone()).collect()
}
