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

/// Every mapping that has archives in the bucket; none if these may not be listed.
pub(super) async fn of(s3: &Client, bucket: &str) -> Result<Vec<Mapping>, PortError> {
    let list = s3.list_objects_v2().bucket(bucket).prefix(ARCHIVES).delimiter("/");
    let mut pages = list.into_paginator().send();
    let mut mappings = Vec::new();
    while let Some(page) = pages.next().await {
        let page = match page {
            Ok(page) => page,
            Err(error) if is_out_of_reach(&error) => return Ok(mappings),
            Err(error) => return Err(failed(CALL)(error)),
        };
        for prefix in page.common_prefixes.unwrap_or_default().into_iter().filter_map(|folder| folder.prefix) {
            if let Some(function) = function(s3, bucket, &prefix).await? {
                mappings.push(Mapping { prefix, function });
            }
        }
    }
    Ok(mappings)
}

/// The function of the first archive below the prefix; `None`: it is no archive, or gone, or not for us to read.
async fn function(s3: &Client, bucket: &str, prefix: &str) -> Result<Option<String>, PortError> {
    let first = s3.list_objects_v2().bucket(bucket).prefix(prefix).max_keys(1).send().await.map_err(failed(CALL))?;
    let key = first.contents.unwrap_or_default().into_iter().find_map(|object| object.key);
    let Some(key) = key else { return Ok(None) };
    let object = match s3.get_object().bucket(bucket).key(key).send().await {
        Ok(object) => object,
        Err(error) if is_out_of_reach(&error) || error.code() == Some("NoSuchKey") => return Ok(None),
        Err(error) => return Err(failed(CALL)(error)),
    };
    let bytes = object.body.collect().await.map_err(failed(CALL))?.into_bytes();
    let archive: Option<Archive> = serde_json::from_slice(&bytes).ok();
    Ok(archive.and_then(|archive| name(&archive.request.function_arn)))
}

/// The name in `arn:aws:lambda:{region}:{account}:function:{name}`, behind which there may be a version.
fn name(function_arn: &str) -> Option<String> {
    function_arn.split(':').nth(6).map(str::to_owned)
}

fn is_out_of_reach(error: &impl ProvideErrorMetadata) -> bool {
    error.code().is_some_and(|code| ["AccessDenied", "NoSuchBucket"].contains(&code))
}
