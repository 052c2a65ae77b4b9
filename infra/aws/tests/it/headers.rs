//! Real bytes on a real socket: what an object that was uploaded with strange headers answers.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use coffeeshop_aws::photos::{AwsPhotoStore, PhotoStoreNames};
use coffeeshop_aws::sdk;
use coffeeshop_core::keys::PhotoKey;
use coffeeshop_core::ports::PhotoStore as _;

/// Answers one request with an object of three bytes and this header.
fn serve(header: &[u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answer = [b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\netag: \"e\"\r\n", header, b"\r\n\r\nabc"].concat();
    thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut request = [0; 8192];
        let read = socket.read(&mut request).unwrap();
        assert!(read > 0);
        socket.write_all(&answer).unwrap();
    });
    format!("http://{address}")
}

#[tokio::test]
async fn an_object_with_headers_that_are_no_text_is_read() {
    for name in ["content-type", "content-disposition", "expires", "x-amz-meta-user-id", "cache-control"] {
        for value in [b"J\xFCrgen".as_slice(), "J\u{fc}rgen".as_bytes()] {
            let sdk = SdkConfig::builder()
                .behavior_version(BehaviorVersion::latest())
                .endpoint_url(serve(&[name.as_bytes(), b": ", value].concat()))
                .region(Region::new("eu-central-1"))
                .credentials_provider(SharedCredentialsProvider::new(Credentials::for_tests()))
                .http_client(sdk::http_client())
                .build();
            let names = PhotoStoreNames {
                originals_bucket: "originals".to_owned(),
                renditions_bucket: "renditions".to_owned(),
                photos_table: "photos".to_owned(),
            };
            let store = AwsPhotoStore::new(sdk::s3(&sdk), aws_sdk_dynamodb::Client::new(&sdk), names);
            let photo = PhotoKey::from_original("uploads/shop/photo").unwrap();
            let original = store.original(&photo).await.unwrap().unwrap();
            assert_eq!(original.body.as_deref(), Some(b"abc".as_slice()), "{name}");
        }
    }
}
