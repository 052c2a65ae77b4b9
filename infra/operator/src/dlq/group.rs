//! Which failures are the same failure: a fingerprint without ids, numbers and quotations.
//!
//! What is done about it is for the operator.

use coffeeshop_core::ports::Content;
use sha2::{Digest as _, Sha256};

use super::about::{About, is_of_a_word};
use super::batch::Batch;

/// What stands for what differs from message to message.
const BLANK: &str = "…";

/// How many characters of its hash a group is called by.
const ID_CHARS: usize = 12;

/// What went wrong with a message, as far as it is the same with others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint {
    /// The code that it was parked with; `None`: it was given up, without a word.
    pub(crate) reason: Option<String>,
    /// The error, or the message's own kind where there is none, with blanks.
    pub(crate) pattern: String,
    /// The function that should have handled it, if that is known.
    pub(crate) function: Option<String>,
}

impl Fingerprint {
    /// Of a message that is about this, and should have been handled by that function.
    pub(crate) fn of(content: &Content, about: &About, function: Option<&str>) -> Self {
        let reason = content.attribute("reason").map(str::to_owned);
        let pattern = match content.attribute("error") {
            Some(error) => blanked(error, about),
            None => about.kind.clone(),
        };
        Self { reason, pattern, function: function.map(str::to_owned) }
    }

    /// Of a batch that this function should have handled.
    pub(crate) fn of_batch(batch: &Batch, function: Option<&str>) -> Self {
        let without = if batch.payload.is_some() { "" } else { ", not in the archive" };
        let pattern = format!("{}: records of {}{without}", batch.ending(), batch.table());
        Self { reason: Some(batch.condition().to_owned()), pattern, function: function.map(str::to_owned) }
    }

    /// What the group of all such messages is called, the same in every run.
    pub(crate) fn id(&self) -> String {
        let parts = [self.reason.as_deref(), Some(&self.pattern), self.function.as_deref()];
        let mut hash = Sha256::new();
        for part in parts {
            // What is not there differs from what is empty.
            hash.update([u8::from(part.is_some())]);
            hash.update(part.unwrap_or_default());
            hash.update([0]);
        }
        let mut id = hex::encode(hash.finalize());
        id.truncate(ID_CHARS);
        id
    }
}

/// The error with blanks for the message's own ids, for what is quoted, and for words with digits.
fn blanked(error: &str, about: &About) -> String {
    let mut ids: Vec<&str> = about.ids.iter().map(String::as_str).collect();
    // The longest first: an id may be a part of another.
    ids.sort_unstable_by_key(|id| std::cmp::Reverse(id.len()));
    let mut text = String::new();
    let mut rest = error;
    while let Some(c) = rest.chars().next() {
        let begins = !text.chars().next_back().is_some_and(is_of_a_word);
        let blank = if begins { blank_length(rest, &ids) } else { 0 };
        let length = if blank > 0 { blank } else { c.len_utf8() };
        let (piece, behind) = rest.split_at(length);
        match blank {
            0 => text.push_str(piece),
            _ if text.ends_with(BLANK) => (),
            _ => text.push_str(BLANK),
        }
        rest = behind;
    }
    text
}

/// How many bytes at the beginning differ from message to message: 0 for none.
fn blank_length(text: &str, ids: &[&str]) -> usize {
    if let Some(quote) = text.chars().next().filter(|c| ['"', '`'].contains(c))
        && let Some(end) = text.get(1..).and_then(|text| text.find(quote))
    {
        return end + 2;
    }
    let ends = |id: &&&str| text.strip_prefix(**id).is_some_and(|text| !text.starts_with(is_of_a_word));
    if let Some(id) = ids.iter().find(ends) {
        return id.len();
    }
    let word = text.find(|c| !is_of_a_word(c)).map_or(text, |end| text.split_at(end).0);
    if word.contains(|c: char| c.is_ascii_digit()) { word.len() } else { 0 }
}

#[cfg(test)]
mod tests {
    use coffeeshop_core::ports::Attribute;

    use super::*;

    fn content(reason: &str, error: &str, body: &str) -> Content {
        let attributes = [("reason", reason), ("error", error)];
        let attributes = attributes.into_iter().filter(|(_, text)| !text.is_empty());
        let attributes = attributes.map(|(name, text)| (name.to_owned(), Attribute::text(text)));
        Content { body: body.to_owned(), attributes: attributes.collect(), trace_header: None }
    }

    fn fingerprint(reason: &str, error: &str, body: &str) -> Fingerprint {
        Fingerprint::of(&content(reason, error, body), &About::of(body), Some("thumbnailer"))
    }

    #[track_caller]
    fn check(error: &str, body: &str, pattern: &str) {
        assert_eq!(fingerprint("reason", error, body).pattern, pattern);
    }

    #[test]
    fn what_differs_from_message_to_message_is_blank() {
        check("image is 120000000 pixels, limit 100", "{}", "image is … pixels, limit …");
        check(r#"the bucket "a" is not "b""#, "{}", "the bucket … is not …");
        check("`seven` is none", "{}", "… is none");
        check("an open ` stays", "{}", "an open ` stays");
        check("user#kaffee has no kaffees", r#"{"shop_id":"kaffee"}"#, "user#… has no kaffees");
        check("a b a-b", r#"{"id":"a","user_id":"a-b"}"#, "… b …");
        check("10.0.0.1:443 of cafe-7 refused", "{}", "….….….…:… of … refused");
        check("…é…", "{}", "…é…");
    }

    #[test]
    fn one_failure_is_one_group() {
        let one = fingerprint("unexpected_key", "`uploads/x` is not uploads/SHOP/PHOTO", r#"{"Records":[]}"#);
        let same = fingerprint("unexpected_key", "`uploads/y/z/1` is not uploads/SHOP/PHOTO", r#"{"Records":[]}"#);
        assert_eq!((one.id(), one.id().len()), (same.id(), ID_CHARS));
        let others = [
            fingerprint("not_utf8", "`uploads/x` is not uploads/SHOP/PHOTO", r#"{"Records":[]}"#),
            fingerprint("unexpected_key", "something else", r#"{"Records":[]}"#),
            Fingerprint { function: None, ..one.clone() },
            fingerprint("", "", r#"{"Records":[]}"#),
        ];
        for other in others {
            assert_ne!(other.id(), one.id(), "{other:?}");
        }
    }

    #[test]
    fn what_was_given_up_is_grouped_by_its_kind() {
        let put = fingerprint("", "", r#"{"Records":[{"eventName":"ObjectCreated:Put"}]}"#);
        assert_eq!((put.reason, put.pattern.as_str()), (None, "ObjectCreated:Put"));
        assert_eq!(fingerprint("", "", "x").pattern, "not JSON");
    }
}
