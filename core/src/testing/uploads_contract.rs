//! What every implementation of [`Uploads`] must do.
//!
//! Each function takes a bucket that may hold anything but nothing whose key begins with the prefix that it is given.

use bytes::Bytes;

use crate::ports::{PART_BYTES_MIN, Served, Uploads};

const SERVED: Served = Served { content_type: "application/octet-stream", cache_control: "no-cache" };

/// Nothing is seen before it is complete; then all of it, in the place of what was there.
pub async fn in_parts(uploads: &impl Uploads, prefix: &str) {
    let key = format!("{prefix}/in parts/ü+1");
    let upload = uploads.begin(&key, SERVED).await.unwrap();
    let large = Bytes::from(vec![b'a'; PART_BYTES_MIN]);
    // In any order, and one of them twice: the later one counts.
    let last = uploads.put_part(&upload, 2, Bytes::from_static(b"end")).await.unwrap();
    uploads.put_part(&upload, 1, Bytes::from_static(b"once")).await.unwrap();
    let first = uploads.put_part(&upload, 1, large.clone()).await.unwrap();
    assert_eq!(uploads.read(&key).await.unwrap(), None, "not before it is complete");
    assert!(uploads.keys(prefix).await.unwrap().is_empty());

    uploads.complete(&upload, &[first, last]).await.unwrap();
    let body = uploads.read(&key).await.unwrap().unwrap();
    assert!(body.starts_with(&large) && body.ends_with(b"end") && body.len() == PART_BYTES_MIN + 3);
    assert_eq!(uploads.keys(prefix).await.unwrap(), std::slice::from_ref(&key));

    let again = uploads.begin(&key, SERVED).await.unwrap();
    let small = uploads.put_part(&again, 1, Bytes::from_static(b"small")).await.unwrap();
    assert_eq!(uploads.read(&key).await.unwrap().unwrap(), body, "as it was");
    uploads.complete(&again, &[small]).await.unwrap();
    assert_eq!(uploads.read(&key).await.unwrap().as_deref(), Some(&b"small"[..]));
}

/// What is given up is never seen.
pub async fn given_up(uploads: &impl Uploads, prefix: &str) {
    let key = format!("{prefix}/given-up");
    let upload = uploads.begin(&key, SERVED).await.unwrap();
    let part = uploads.put_part(&upload, 1, Bytes::from_static(b"x")).await.unwrap();
    uploads.abort(&upload).await.unwrap();
    uploads.abort(&upload).await.unwrap();
    assert!(uploads.complete(&upload, &[part]).await.is_err(), "it is gone");
    assert_eq!(uploads.read(&key).await.unwrap(), None);
}

/// A part that is too small is refused when it is not the last. The emulator does not: it takes what S3 would not.
pub async fn too_small(uploads: &impl Uploads, prefix: &str) {
    let key = format!("{prefix}/too-small");
    let upload = uploads.begin(&key, SERVED).await.unwrap();
    let first = uploads.put_part(&upload, 1, Bytes::from_static(b"small")).await.unwrap();
    let second = uploads.put_part(&upload, 2, Bytes::from_static(b"x")).await.unwrap();
    assert!(uploads.complete(&upload, &[first, second]).await.is_err(), "the first is too small");
    assert_eq!(uploads.read(&key).await.unwrap(), None);
    uploads.abort(&upload).await.unwrap();
}

/// Small objects are put whole, listed in the order of their keys, and removed, also when they are not there.
pub async fn whole(uploads: &impl Uploads, prefix: &str) {
    let key = |name: &str| format!("{prefix}/{name}");
    for name in ["b", "a", "a/c", "b"] {
        uploads.put(&key(name), Bytes::from(name.to_owned()), SERVED).await.unwrap();
    }
    assert_eq!(uploads.keys(prefix).await.unwrap(), ["a", "a/c", "b"].map(key));
    uploads.put(&key("a"), Bytes::from_static(b"new"), SERVED).await.unwrap();
    assert_eq!(uploads.read(&key("a")).await.unwrap().as_deref(), Some(&b"new"[..]));
    for name in ["a", "a", "never"] {
        uploads.remove(&key(name)).await.unwrap();
    }
    assert_eq!(uploads.keys(prefix).await.unwrap(), ["a/c", "b"].map(key));
}
