//! The mappings that have archives in the bucket for failures, as the archives themselves say.
//!
//! A mapping that was made anew has another id: what the earlier one archived is found by its function. Which functions the
//! stack has is not known here.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use coffeeshop_core::ports::PortError;
use serde::Deserialize;

use crate::failed;

/// What the keys of all archives begin with.
const ARCHIVES: &str = "aws/lambda/";

/// How many objects of a mapping are looked at, until one is an archive.
const OBJECTS_LOOKED_AT: i32 = 10;

const CALL: &str = "archives.mappings";

/// A mapping that has archives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Mapping {
    /// What their keys begin with.
    pub(in super::super) prefix: String,
    /// The name of the function that they were for.
    pub(in super::super) function: String,
}

#[derive(Deserialize)]
struct Archive {
    #[serde(rename = "requestContext")]
    request: RequestContext,
}

#[derive(Deserialize)]
struct RequestContext {
    #[serde(rename = "functionArn")]
    function_arn: String,
}

/// Every mapping that has archives in the bucket, but for those whose prefixes are known; none if these may not be listed.
pub(super) async fn of(s3: &Client, bucket: &str, known: &[String]) -> Result<Vec<Mapping>, PortError> {
    let list = s3.list_objects_v2().bucket(bucket).prefix(ARCHIVES).delimiter("/");
    let mut pages = list.into_paginator().send();
    let mut mappings = Vec::new();
    while let Some(page) = pages.next().await {
        let page = match page {
            Ok(page) => page,
            Err(error) if is_out_of_reach(&error) => return Ok(mappings),
            Err(error) => return Err(failed(CALL)(error)),
        };
        let prefixes = page.common_prefixes.unwrap_or_default().into_iter().filter_map(|folder| folder.prefix);
        for prefix in prefixes.filter(|prefix| !known.contains(prefix)) {
            if let Some(function) = function(s3, bucket, &prefix).await? {
                mappings.push(Mapping { prefix, function });
            }
        }
    }
    Ok(mappings)
}

/// The function of the first archive below the prefix; `None`: there is none, or none that we may read.
async fn function(s3: &Client, bucket: &str, prefix: &str) -> Result<Option<String>, PortError> {
    let list = s3.list_objects_v2().bucket(bucket).prefix(prefix).max_keys(OBJECTS_LOOKED_AT);
    let first = list.send().await.map_err(failed(CALL))?.contents.unwrap_or_default();
    for key in first.into_iter().filter_map(|object| object.key) {
        let object = match s3.get_object().bucket(bucket).key(key).send().await {
            Ok(object) => object,
            Err(error) if is_out_of_reach(&error) => return Ok(None),
            Err(error) if error.code() == Some("NoSuchKey") => continue,
            Err(error) => return Err(failed(CALL)(error)),
        };
        let bytes = object.body.collect().await.map_err(failed(CALL))?.into_bytes();
        // It may be no archive.
        let archive: Option<Archive> = serde_json::from_slice(&bytes).ok();
        if let Some(function) = archive.and_then(|archive| name(&archive.request.function_arn)) {
            return Ok(Some(function));
        }
    }
    Ok(None)
}

/// The name in `arn:aws:lambda:{region}:{account}:function:{name}`, behind which there may be a version.
fn name(function_arn: &str) -> Option<String> {
    function_arn.split(':').nth(6).map(str::to_owned)
}

fn is_out_of_reach(error: &impl ProvideErrorMetadata) -> bool {
    error.code().is_some_and(|code| ["AccessDenied", "NoSuchBucket"].contains(&code))
}
