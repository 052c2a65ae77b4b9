//! What a message is about, as far as its body says so: its kind, its shops, and which of its words are ids.
//!
//! Any body is good enough: what cannot be read is a kind too. Whether a function could use it is for `reader`.

use std::collections::BTreeSet;

use coffeeshop_core::ids::ShopId;
use coffeeshop_core::keys::{PhotoKey, decode_event_key};
use serde_json::{Map, Value};

use super::batch::Batch;

/// The most attributes that the kind of an unknown object names.
const NAMES_MAX: usize = 8;

/// The kind of a request to make a photo anew, and the one attribute that it has.
const REPROCESS: &str = "reprocess";

/// What a message is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct About {
    /// Such as `ObjectCreated:Put` or `coffeeshop.photo.ready.v1`: the same for all messages of one shape.
    pub(crate) kind: String,
    /// The shops that it names.
    pub(crate) shops: BTreeSet<ShopId>,
    /// Words of this message alone.
    pub(crate) ids: BTreeSet<String>,
}

impl About {
    /// What this body says.
    pub(crate) fn of(body: &str) -> Self {
        let Ok(value) = serde_json::from_str::<Value>(body) else {
            return Self { kind: "not JSON".to_owned(), ..Self::default() };
        };
        let mut about = Self { kind: kind(&value), ..Self::default() };
        about.walk(&value);
        about
    }

    /// What the records of a batch say.
    pub(crate) fn of_batch(batch: &Batch) -> Self {
        let about = batch.payload.as_deref().map(Self::of).unwrap_or_default();
        let kind = if about.kind.is_empty() { String::new() } else { format!("{} of ", about.kind) };
        Self { kind: format!("{kind}{}", batch.table()), ..about }
    }

    fn walk(&mut self, value: &Value) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| self.walk(value)),
            Value::Object(object) => {
                for (name, value) in object {
                    // As an attribute of an item in DynamoDB's JSON, too.
                    match value.as_str().or_else(|| value.get("S")?.as_str()) {
                        Some(text) => self.text(name, text),
                        None => self.walk(value),
                    }
                }
            }
            _ => (),
        }
    }

    fn text(&mut self, name: &str, text: &str) {
        match name {
            "key" => {
                let Ok(key) = decode_event_key(text) else { return self.id(text) };
                self.id(&key);
                self.shops.extend(PhotoKey::from_original(&key).ok().map(|photo| photo.shop_id));
            }
            // What SNS wraps around a message.
            "Message" => {
                let inner = Self::of(text);
                self.shops.extend(inner.shops);
                self.ids.extend(inner.ids);
                return;
            }
            "shop_id" => self.shops.extend(text.parse::<ShopId>().ok()),
            _ => (),
        }
        if ["id", "key", "subject", "subscriber", "sequencer"].contains(&name) || name.ends_with("_id") {
            self.id(text);
        }
    }

    /// The whole, and what it is put together from.
    fn id(&mut self, text: &str) {
        let parts = text.split(|c: char| !is_of_a_word(c)).filter(|part| !part.is_empty());
        self.ids.extend(parts.map(str::to_owned));
        self.ids.insert(text.to_owned());
    }
}

/// Whether an id may have it.
pub(crate) fn is_of_a_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-'
}

fn kind(value: &Value) -> String {
    let Value::Object(object) = value else {
        let json = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) | Value::Object(_) => "array",
        };
        return format!("JSON {json}");
    };
    let text = |name: &str| object.get(name).and_then(Value::as_str);
    // What an operator sends, as the thumbnailer tells it from S3's.
    if object.get(REPROCESS).is_some_and(|photo| !photo.is_null()) {
        return REPROCESS.to_owned();
    }
    if let Some(Value::Array(records)) = object.get("Records") {
        let events: BTreeSet<&str> =
            records.iter().map(|record| record.get("eventName").and_then(Value::as_str).unwrap_or("?")).collect();
        return events.into_iter().collect::<Vec<_>>().join(", ");
    }
    if let (Some("Notification"), Some(message)) = (text("Type"), text("Message")) {
        return format!("SNS notification of {}", About::of(message).kind);
    }
    if let (Some(event), Some(_)) = (object.get("event"), object.get("subscriber")) {
        return format!("delivery of {}", kind(event));
    }
    match (text("specversion"), text("type"), text("Event")) {
        (Some(_), Some(kind), _) => kind.to_owned(),
        // S3's test of a notification.
        (_, _, Some(event)) => event.to_owned(),
        _ => names(object),
    }
}

fn names(object: &Map<String, Value>) -> String {
    let mut names: Vec<&str> = object.keys().map(String::as_str).collect();
    names.sort_unstable();
    let more = if names.len() > NAMES_MAX { ", .." } else { "" };
    names.truncate(NAMES_MAX);
    format!("JSON object of {}{more}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, kind: &str, shops: &[&str]) {
        let about = About::of(body);
        assert_eq!(about.kind, kind);
        assert_eq!(about.shops.iter().map(ShopId::as_str).collect::<Vec<_>>(), shops);
    }

    const EVENT: &str = r#"{"specversion":"1.0","id":"photo/kaffee/p-1/3","type":"coffeeshop.photo.ready.v1","data":{"shop_id":"kaffee"}}"#;

    #[test]
    fn what_the_pipeline_sends_is_known() {
        let record = |key: &str| format!(r#"{{"eventName":"ObjectCreated:Put","s3":{{"object":{{"key":"{key}"}}}}}}"#);
        let records = |records: &[String]| format!(r#"{{"Records":[{}]}}"#, records.join(","));
        check(&records(&[record("uploads/a/1"), record("uploads/b%2D2/1")]), "ObjectCreated:Put", &["a", "b-2"]);
        check(&records(&[record("elsewhere/a/1")]), "ObjectCreated:Put", &[]);
        check(r#"{"reprocess":{"shop_id":"kaffee","photo_id":"p-1"}}"#, "reprocess", &["kaffee"]);
        check(r#"{"reprocess":{"shop_id":"not an id"}}"#, "reprocess", &[]);
        check(EVENT, "coffeeshop.photo.ready.v1", &["kaffee"]);
        let delivery = format!(r#"{{"subscriber":"user#u","channel_id":"app","event":{EVENT}}}"#);
        check(&delivery, "delivery of coffeeshop.photo.ready.v1", &["kaffee"]);
        let wrapped = serde_json::json!({"Type": "Notification", "Message": EVENT}).to_string();
        check(&wrapped, "SNS notification of coffeeshop.photo.ready.v1", &["kaffee"]);
    }

    #[test]
    fn anything_else_has_a_kind_too() {
        check("", "not JSON", &[]);
        check("{\"a\":", "not JSON", &[]);
        check("[1]", "JSON array", &[]);
        check("null", "JSON null", &[]);
        check("\"text\"", "JSON string", &[]);
        check(r#"{"b":1,"a":2}"#, "JSON object of a, b", &[]);
        check(r#"{"Records":[{}]}"#, "?", &[]);
        check(r#"{"Service":"Amazon S3","Event":"s3:TestEvent"}"#, "s3:TestEvent", &[]);
        check(r#"{"shop_id":"not an id"}"#, "JSON object of shop_id", &[]);
    }

    #[test]
    fn ids_are_its_own_words() {
        let ids = About::of(EVENT).ids;
        let expected = ["3", "kaffee", "p-1", "photo", "photo/kaffee/p-1/3"];
        assert_eq!(ids.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    }
}
