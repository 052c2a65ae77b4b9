//! A presigned POST, as a browser's form sends it. The SDK for Rust has none, so the policy is signed here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use coffeeshop_core::keys::PhotoKey;
use hmac::{Hmac, Mac as _};
use serde_json::json;
use sha2::Sha256;

use crate::world::Emulated;

fn sign(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// Posts `body` as the photo, with a policy of at most `bytes_max` bytes; returns status and answer.
pub(crate) async fn presigned_post(on: &Emulated, photo: &PhotoKey, body: Vec<u8>, bytes_max: usize) -> (u16, String) {
    let now = "20261120T000000Z";
    let day = "20261120";
    let region = &on.stack.region;
    let credential = format!("{}/{day}/{region}/s3/aws4_request", on.stack.access_key_id);
    let policy = json!({
        "expiration": "2099-01-01T00:00:00Z",
        "conditions": [
            { "bucket": on.originals },
            { "key": photo.original() },
            { "x-amz-meta-user-id": "user-of-post" },
            { "x-amz-algorithm": "AWS4-HMAC-SHA256" },
            { "x-amz-credential": credential },
            { "x-amz-date": now },
            ["content-length-range", 1, bytes_max],
        ],
    });
    let policy = STANDARD.encode(policy.to_string());
    let secret = format!("AWS4{}", on.stack.secret_access_key);
    let key =
        ["s3", "aws4_request"].iter().fold(sign(&sign(secret.as_bytes(), day), region), |key, part| sign(&key, part));
    let fields = [
        ("key", photo.original()),
        ("x-amz-meta-user-id", "user-of-post".to_owned()),
        ("x-amz-algorithm", "AWS4-HMAC-SHA256".to_owned()),
        ("x-amz-credential", credential),
        ("x-amz-date", now.to_owned()),
        ("policy", policy.clone()),
        ("x-amz-signature", hex::encode(sign(&key, &policy))),
    ];
    let boundary = "boundary-of-the-form";
    let mut form = Vec::new();
    for (name, value) in fields {
        let part = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        form.extend(part.into_bytes());
    }
    let file = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.jpg\"\r\n\r\n");
    form.extend(file.into_bytes());
    form.extend(body);
    form.extend(format!("\r\n--{boundary}--\r\n").into_bytes());

    let url = format!("{}/{}", on.stack.endpoint, on.originals);
    let post = move || {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let content_type = format!("multipart/form-data; boundary={boundary}");
        let mut answer = agent.post(&url).header("Content-Type", content_type).send(&form).unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    };
    tokio::task::spawn_blocking(post).await.unwrap()
}
