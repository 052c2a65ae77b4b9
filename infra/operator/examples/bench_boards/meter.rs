//! Counts requests and what DynamoDB would bill for them.
//!
//! The emulator bills every page of a query alike, so reads are computed from how many items were read and how large the
//! items of a table are on average; writes are as the emulator bills them, which it does as DynamoDB documents it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_sdk_dynamodb::config::interceptors::{
    AfterDeserializationInterceptorContextRef, BeforeSerializationInterceptorContextMut,
    BeforeTransmitInterceptorContextRef,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemInput;
use aws_sdk_dynamodb::operation::query::{QueryInput, QueryOutput};
use aws_sdk_dynamodb::operation::scan::{ScanInput, ScanOutput};
use aws_sdk_dynamodb::operation::transact_get_items::TransactGetItemsInput;
use aws_sdk_dynamodb::operation::transact_write_items::{TransactWriteItemsInput, TransactWriteItemsOutput};
use aws_sdk_dynamodb::types::{ConsumedCapacity, KeysAndAttributes, ReturnConsumedCapacity};

/// A consistent read is a unit for each 4 KB begun, another half of it.
const READ_UNIT_BYTES: f64 = 4096.0;

/// What was counted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counted {
    pub(crate) requests: u64,
    pub(crate) read_units: f64,
    pub(crate) write_units: f64,
}

/// Counts on behalf of a client.
#[derive(Debug, Clone, Default)]
pub(crate) struct Meter {
    counted: Arc<Mutex<Counted>>,
    /// How large an item of a table is, in bytes.
    item_bytes: BTreeMap<String, f64>,
}

impl Meter {
    pub(crate) fn new(item_bytes: BTreeMap<String, f64>) -> Self {
        Self { item_bytes, ..Self::default() }
    }

    pub(crate) fn counted(&self) -> Counted {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a page of so many items. What tables are queried for is consistent, and indexes cannot be.
    fn page(&self, capacity: Option<&ConsumedCapacity>, items: i32) {
        let Some(capacity) = capacity else { return };
        let bytes = capacity.table_name().and_then(|table| self.item_bytes.get(table)).copied().unwrap_or_default();
        let units = (f64::from(items) * bytes / READ_UNIT_BYTES).ceil().max(1.0);
        let consistent = capacity.global_secondary_indexes().is_none_or(HashMap::is_empty);
        self.lock().read_units += if consistent { units } else { units / 2.0 };
    }
}

impl Intercept for Meter {
    fn name(&self) -> &'static str {
        "Meter"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let input = context.input_mut();
        let told = Some(ReturnConsumedCapacity::Indexes);
        if let Some(input) = input.downcast_mut::<QueryInput>() {
            input.return_consumed_capacity = told;
        } else if let Some(input) = input.downcast_mut::<ScanInput>() {
            input.return_consumed_capacity = told;
        } else if let Some(input) = input.downcast_mut::<TransactWriteItemsInput>() {
            input.return_consumed_capacity = told;
        } else if let Some(input) = input.downcast_ref::<BatchGetItemInput>() {
            // Each key is read by itself, and costs a unit also when nothing is there.
            let keys = |tables: &HashMap<_, KeysAndAttributes>| tables.values().map(|keys| keys.keys().len()).sum();
            let keys: usize = input.request_items().map(keys).unwrap_or_default();
            self.lock().read_units += f64::from(u32::try_from(keys)?);
        } else if let Some(input) = input.downcast_ref::<TransactGetItemsInput>() {
            // In a transaction two.
            self.lock().read_units += 2.0 * f64::from(u32::try_from(input.transact_items().len())?);
        }
        Ok(())
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.lock().requests += 1;
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Ok(output) = context.output_or_error() else { return Ok(()) };
        if let Some(output) = output.downcast_ref::<QueryOutput>() {
            self.page(output.consumed_capacity(), output.scanned_count());
        } else if let Some(output) = output.downcast_ref::<ScanOutput>() {
            self.page(output.consumed_capacity(), output.scanned_count());
        } else if let Some(output) = output.downcast_ref::<TransactWriteItemsOutput>() {
            let units: f64 = output.consumed_capacity().iter().filter_map(ConsumedCapacity::capacity_units).sum();
            self.lock().write_units += units;
        }
        Ok(())
    }
}
