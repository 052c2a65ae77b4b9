//! Signatures are those of Standard Webhooks, and a secret is never shown.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use coffeeshop_notifier::webhook::signature::{BadSecret, SigningKey, signature};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

fn key(secret: &str) -> SigningKey {
    secret.parse().unwrap()
}

/// The examples of <https://github.com/standard-webhooks/standard-webhooks>: `libraries/go/webhook_test.go` and
/// `libraries/rust/src/lib.rs`.
#[test]
fn the_examples_of_the_specification_hold() {
    assert_eq!(
        signature(&[key(SECRET)], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#),
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    );
    let body = r#"{"email":"test@example.com","username":"test_user"}"#;
    assert_eq!(
        signature(&[key(OTHER)], "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1_649_367_553, body),
        "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="
    );
}

#[test]
fn each_key_signs_in_order() {
    let by = |keys: &[SigningKey]| signature(keys, "1", 2, "é");
    let (one, other) = (by(&[key(SECRET)]), by(&[key(OTHER)]));
    assert_ne!(one, other);
    assert_eq!(by(&[key(SECRET), key(OTHER)]), format!("{one} {other}"));
    assert_eq!(by(&[key(OTHER), key(SECRET)]), format!("{other} {one}"));
    assert_eq!(by(&[]), "");
}

#[test]
fn what_is_signed_is_id_and_time_and_body() {
    let all = signature(&[key(SECRET)], "1", 2, "3");
    for (id, timestamp, body) in [("9", 2, "3"), ("1", 9, "3"), ("1", 2, "9")] {
        assert_ne!(signature(&[key(SECRET)], id, timestamp, body), all);
    }
}

#[test]
fn a_secret_that_is_none_is_told_why_and_not_shown() {
    let of = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![0xFB; bytes]));
    let unpadded = of(25).trim_end_matches('=').to_owned();
    let rows = [
        (String::new(), BadSecret::Prefix),
        (SECRET.trim_start_matches("whsec_").to_owned(), BadSecret::Prefix),
        (SECRET.replace("whsec_", "WHSEC_"), BadSecret::Prefix),
        (SECRET.replace("whsec_", "whsk_"), BadSecret::Prefix),
        (format!(" {SECRET}"), BadSecret::Prefix),
        (format!("{SECRET}\n"), BadSecret::Base64),
        (format!("{SECRET}!"), BadSecret::Base64),
        (format!("{SECRET} {OTHER}"), BadSecret::Base64),
        (unpadded, BadSecret::Base64),
        (format!("whsec_{}", URL_SAFE.encode([0xFB; 24])), BadSecret::Base64),
        ("whsec_".to_owned(), BadSecret::Length { bytes: 0 }),
        (of(23), BadSecret::Length { bytes: 23 }),
        (of(65), BadSecret::Length { bytes: 65 }),
    ];
    for (secret, why) in rows {
        let error = secret.parse::<SigningKey>().unwrap_err();
        assert_eq!(error, why, "{secret:?}");
        let encoded = secret.trim().trim_start_matches("whsec_");
        assert!(encoded.is_empty() || !format!("{error} {error:?}").contains(encoded), "{error}");
    }
    for bytes in [24, 64] {
        key(&of(bytes));
    }
    let texts = [BadSecret::Prefix, BadSecret::Base64, BadSecret::Length { bytes: 5 }].map(|error| error.to_string());
    assert_eq!(
        texts,
        [
            "the secret does not begin with `whsec_`",
            "what follows `whsec_` in the secret is not base64",
            "the secret's key has 5 bytes, and should have 24 to 64",
        ]
    );
}

#[test]
fn a_key_shows_nothing_of_itself() {
    assert_eq!(format!("{:?}", key(SECRET)), "SigningKey(..)");
    assert_eq!(format!("{:#?}", [key(SECRET)]), "[\n    SigningKey(..),\n]");
}
