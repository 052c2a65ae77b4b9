//! [`Scan`] over DynamoDB's parallel scan.
//!
//! Every read is consistent. What is done with the items is not known here.

use std::collections::HashMap;
use std::marker::PhantomData;

use aws_sdk_dynamodb::Client;
use coffeeshop_core::outcome::Outcome;
use coffeeshop_core::ports::{PortError, Scan, ScanMark, ScanPage, Segment};
use coffeeshop_core::score::Score;
use serde::de::DeserializeOwned;

use crate::failed;
use crate::tables::{Item, text, unable, understood};

const CALL: &str = "table.scan";

/// A table whose items are `T`s.
#[derive(Debug, Clone)]
pub struct TableScan<T> {
    client: Client,
    table: String,
    /// Partition and sort key.
    keys: [&'static str; 2],
    items: PhantomData<fn() -> T>,
}

impl TableScan<Score> {
    /// The table of scores. Nothing is called yet.
    pub fn scores(client: Client, table: String) -> Self {
        Self { client, table, keys: ["shop_id", "period"], items: PhantomData }
    }
}

impl TableScan<Outcome> {
    /// The table of photos' outcomes. Nothing is called yet.
    pub fn outcomes(client: Client, table: String) -> Self {
        Self { client, table, keys: ["shop_id", "photo_id"], items: PhantomData }
    }
}

impl<T> TableScan<T> {
    /// The key of an item, whatever it says.
    fn mark(&self, item: &Item) -> Result<ScanMark, PortError> {
        let attribute = |name: &str| {
            let text = item.get(name).and_then(|value| value.as_s().ok());
            text.cloned().ok_or_else(|| PortError::new(CALL, format!("an item of {} without {name}", self.table)))
        };
        let [partition, sort] = self.keys;
        Ok(ScanMark { partition: attribute(partition)?, sort: attribute(sort)? })
    }
}

impl<T: DeserializeOwned + Send> Scan<T> for TableScan<T> {
    async fn page(&self, segment: Segment, after: Option<&ScanMark>) -> Result<ScanPage<T>, PortError> {
        let [partition, sort] = self.keys;
        let after = after.map(|mark| {
            HashMap::from([(partition.to_owned(), text(&mark.partition)), (sort.to_owned(), text(&mark.sort))])
        });
        let scan = self.client.scan().table_name(&self.table).consistent_read(true).set_exclusive_start_key(after);
        let scan = scan.segment(i32::try_from(segment.number).map_err(failed(CALL))?);
        let scan = scan.total_segments(i32::try_from(segment.of).map_err(failed(CALL))?);
        let answer = scan.send().await.map_err(|error| unable(CALL, error))?;
        let item = |item: Item| {
            let ScanMark { partition, sort } = self.mark(&item)?;
            understood(CALL, &format_args!("{partition}/{sort}"), item)
        };
        let next = answer.last_evaluated_key.filter(|last| !last.is_empty());
        let next = next.map(|last| self.mark(&last)).transpose()?;
        Ok(ScanPage { items: answer.items.unwrap_or_default().into_iter().map(item).collect(), next })
    }
}
