//! Outcomes in the `photos` table.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use coffeeshop_core::edition::Revision;
use coffeeshop_core::keys::PhotoKey;
use coffeeshop_core::outcome::Outcome;
use coffeeshop_core::ports::{PortError, Put};

use crate::failed;

pub(crate) async fn get(client: &Client, table: &str, photo: &PhotoKey) -> Result<Option<Outcome>, PortError> {
    const CALL: &str = "photos.get";
    let answer = client
        .get_item()
        .table_name(table)
        .key("shop_id", AttributeValue::S(photo.shop_id.to_string()))
        .key("photo_id", AttributeValue::S(photo.photo_id.to_string()))
        .consistent_read(true)
        .send()
        .await
        .map_err(failed(CALL))?;
    // An item that does not parse is somebody else's, or of a later version: an error, so that it is not replaced.
    answer.item.map(serde_dynamo::from_item).transpose().map_err(failed(CALL))
}

pub(crate) async fn put(client: &Client, table: &str, outcome: &Outcome) -> Result<Put, PortError> {
    const CALL: &str = "photos.put";
    let item = serde_dynamo::to_item(outcome).map_err(failed(CALL))?;
    let request = client.put_item().table_name(table).set_item(Some(item)).expression_attribute_names("#r", "revision");
    let request = if outcome.revision == Revision(0).next() {
        request.condition_expression("attribute_not_exists(#r)")
    } else {
        let read = AttributeValue::N(outcome.revision.0.saturating_sub(1).to_string());
        request.condition_expression("#r = :read").expression_attribute_values(":read", read)
    };
    match request.send().await {
        Ok(_) => Ok(Put::Stored),
        Err(error)
            if error.as_service_error().is_some_and(
                aws_sdk_dynamodb::operation::put_item::PutItemError::is_conditional_check_failed_exception,
            ) =>
        {
            Ok(Put::LostRace)
        }
        Err(error) => Err(PortError::new(CALL, error)),
    }
}
