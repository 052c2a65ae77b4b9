//! The message by which an operator asks that a photo be made anew.
//!
//! Which photos, and how many of them at a time, is the operator's business; whether anything is done is for
//! [`photo`](crate::photo).

use serde::{Deserialize, Serialize};

use crate::ids::{PhotoId, ShopId};
use crate::keys::PhotoKey;

/// A message of the queue `uploads` besides S3's notifications: `{"reprocess": {"shop_id": .., "photo_id": ..}}`.
///
/// What it does not know it refuses, at both levels: better parked than half understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReprocessRequest {
    /// The photo.
    #[serde(with = "ExactKey")]
    pub reprocess: PhotoKey,
}

/// A [`PhotoKey`] with nothing beside it; an item's may have other attributes.
#[derive(Serialize, Deserialize)]
#[serde(remote = "PhotoKey", deny_unknown_fields)]
struct ExactKey {
    shop_id: ShopId,
    photo_id: PhotoId,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_is_written_as_it_is_read() {
        let reprocess = PhotoKey { shop_id: "kaffee".parse().unwrap(), photo_id: "p-1".parse().unwrap() };
        let request = ReprocessRequest { reprocess };
        let text = r#"{"reprocess":{"shop_id":"kaffee","photo_id":"p-1"}}"#;
        assert_eq!(serde_json::to_string(&request).unwrap(), text);
        assert_eq!(serde_json::from_str::<ReprocessRequest>(text).unwrap(), request);
    }

    #[test]
    fn anything_else_is_refused() {
        for other in [
            json!({}),
            json!({ "reprocess": null }),
            json!({ "reprocess": "kaffee/p-1" }),
            json!({ "reprocess": {} }),
            json!({ "reprocess": { "shop_id": "kaffee" } }),
            json!({ "reprocess": { "photo_id": "p-1" } }),
            json!({ "reprocess": { "shop_id": "kaffee", "photo_id": "p 1" } }),
            json!({ "reprocess": { "shop_id": "", "photo_id": "p-1" } }),
            json!({ "reprocess": { "shop_id": "kaffee", "photo_id": "p-1", "force": true } }),
            json!({ "reprocess": { "shop_id": "kaffee", "photo_id": "p-1" }, "Records": [] }),
        ] {
            assert!(serde_json::from_value::<ReprocessRequest>(other.clone()).is_err(), "{other}");
        }
    }
}
