//! From what the two queues deliver to what there is to do: nothing behind this module looks at JSON again.
//!
//! Nothing is decided here but what a message *is*.

use coffeeshop_core::delivery::Delivery;
use coffeeshop_core::event::{Event, TYPES};
use coffeeshop_core::ports::ParkReason;
use serde::Deserialize;

#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "type")]
    kind: String,
}

/// Reads a message of the queue of notifications.
pub fn event(body: &str) -> Result<Event, ParkReason> {
    let Kind { kind } = serde_json::from_str(body).map_err(|error| ParkReason::new("not_an_event", &error))?;
    if !TYPES.contains(&kind.as_str()) {
        return Err(ParkReason::new("unknown_type", &format!("`{kind}` is no type that is known here")));
    }
    serde_json::from_str(body).map_err(|error| ParkReason::new("not_an_event", &error))
}

/// Reads a message of the queue of deliveries.
pub fn delivery(body: &str) -> Result<Delivery, ParkReason> {
    serde_json::from_str(body).map_err(|error| ParkReason::new("not_a_delivery", &error))
}
