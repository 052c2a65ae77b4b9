//! A table with a stream, and a function that leaves a trace, for the tests of what the emulator does between them.
//!
//! Each test has its own, deployed on the shared emulator; the mapping comes later, so that a test decides what is in the
//! stream by then. The function is `streamed.py`. Nothing here knows the project's own functions.

use std::fs;
use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_sdk_cloudformation::types::{Capability, StackStatus};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::primitives::ByteStream;
use coffeeshop_local::{StackInfo, python, repo_root};
use serde_json::{Value, json};
use zip::write::SimpleFileOptions;

/// What is put into the table, and what the function makes of it.
#[derive(Default)]
pub(crate) struct Item {
    pub(crate) id: String,
    pub(crate) what: Option<&'static str>,
    pub(crate) times: Option<u32>,
    pub(crate) step: u32,
    pub(crate) bytes: usize,
}

pub(crate) fn item(id: &str) -> Item {
    Item { id: id.to_owned(), ..Item::default() }
}

impl Item {
    pub(crate) fn does(self, what: &'static str) -> Self {
        Self { what: Some(what), ..self }
    }

    pub(crate) fn times(self, times: u32) -> Self {
        Self { times: Some(times), ..self }
    }
}

/// What one invocation was given.
#[derive(Debug)]
pub(crate) struct Invocation {
    pub(crate) items: Vec<String>,
    pub(crate) steps: Vec<String>,
    pub(crate) bytes: u64,
}

pub(crate) struct Streamed {
    pub(crate) name: String,
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) bucket: String,
    dynamodb: aws_sdk_dynamodb::Client,
    cloudformation: aws_sdk_cloudformation::Client,
    seen: PathBuf,
    stream_arn: String,
}

impl Drop for Streamed {
    fn drop(&mut self) {
        for file in [self.seen.clone(), self.beside(".go"), self.beside(".done")] {
            // Not each test has made each of them.
            drop(fs::remove_file(file));
        }
    }
}

impl Streamed {
    /// A table, a function that may do everything that its mapping needs, and a bucket for what fails.
    pub(crate) async fn new(stack: &StackInfo, name: &str) -> Self {
        Self::with_role(stack, name, "dynamodb:*").await
    }

    /// The same, with a role that allows only these actions on streams.
    pub(crate) async fn with_role(stack: &StackInfo, name: &str, on_streams: &str) -> Self {
        let sdk = stack.sdk_config();
        let s3 = aws_sdk_s3::Client::new(&sdk);
        let code = format!("streamed-{name}-code");
        create_bucket(&s3, &code, &stack.region).await;
        let body = ByteStream::from(function());
        s3.put_object().bucket(&code).key("function.zip").body(body).send().await.unwrap();

        let seen = std::env::temp_dir().join(format!("coffeeshop-streamed-{}-{name}", std::process::id()));
        let cloudformation = aws_sdk_cloudformation::Client::new(&sdk);
        let resources = resources(name, &seen, on_streams);
        let outputs = json!({ "StreamArn": { "Value": { "Fn::GetAtt": ["Table", "StreamArn"] } } });
        let stream_arn = deploy(&cloudformation, &format!("streamed-{name}"), resources, outputs).await;
        let bucket = format!("streamed-{name}-failures");
        let dynamodb = aws_sdk_dynamodb::Client::new(&sdk);
        Self { name: name.to_owned(), s3, bucket, dynamodb, cloudformation, seen, stream_arn }
    }

    /// Connects the stream with the function; the properties are added to those that every mapping needs.
    pub(crate) async fn map(&self, properties: Value) -> String {
        let mut mapping = json!({
            "EventSourceArn": self.stream_arn,
            "FunctionName": format!("streamed-{}", self.name),
            "StartingPosition": "TRIM_HORIZON",
            "DestinationConfig": { "OnFailure": { "Destination": format!("arn:aws:s3:::{}", self.bucket) } },
        });
        mapping.as_object_mut().unwrap().extend(properties.as_object().unwrap().clone());
        let resources = json!({ "Mapping": { "Type": "AWS::Lambda::EventSourceMapping", "Properties": mapping } });
        let outputs = json!({ "Mapping": { "Value": { "Ref": "Mapping" } } });
        deploy(&self.cloudformation, &format!("streamed-{}-mapping", self.name), resources, outputs).await
    }

    /// Deletes the mapping.
    pub(crate) async fn unmap(&self) {
        let name = format!("streamed-{}-mapping", self.name);
        self.cloudformation.delete_stack().stack_name(&name).send().await.unwrap();
        for _ in 0..POLLS_MAX {
            // It is described no more when it is gone.
            let described = self.cloudformation.describe_stacks().stack_name(&name).send().await;
            let Ok(described) = described else { return };
            if described.stacks().iter().all(|stack| stack.stack_status() == Some(&StackStatus::DeleteComplete)) {
                return;
            }
            tokio::time::sleep(POLL).await;
        }
        panic!("{name} was not deleted");
    }

    /// Writes items, one after the other.
    pub(crate) async fn put(&self, items: impl IntoIterator<Item = Item>) {
        for item in items {
            let number = |number: u32| AttributeValue::N(number.to_string());
            let put = self.dynamodb.put_item().table_name(format!("streamed-{}", self.name));
            let put = put.item("id", AttributeValue::S(item.id)).item("step", number(item.step));
            let put = put.item("filling", AttributeValue::S("x".repeat(item.bytes)));
            let put = match item.what {
                Some(what) => put.item("do", AttributeValue::S(what.to_owned())),
                None => put,
            };
            let put = match item.times {
                Some(times) => put.item("times", number(times)),
                None => put,
            };
            put.send().await.unwrap();
        }
    }

    /// Lets what waits go on.
    pub(crate) fn release(&self) {
        fs::write(self.beside(".go"), "").unwrap();
    }

    /// What the function has been given by now, in this order.
    pub(crate) fn invocations(&self) -> Vec<Invocation> {
        let lines = fs::read_to_string(&self.seen).unwrap_or_default();
        let texts = |value: &Value| -> Vec<String> {
            value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
        };
        lines
            .lines()
            .map(|line| {
                let line: Value = serde_json::from_str(line).unwrap();
                let (items, steps) = (texts(&line["items"]), texts(&line["steps"]));
                Invocation { items, steps, bytes: line["bytes"].as_u64().unwrap() }
            })
            .collect()
    }

    /// How many invocations have come to an end without an error.
    pub(crate) fn done(&self) -> usize {
        fs::read_to_string(self.beside(".done")).unwrap_or_default().lines().count()
    }

    /// What it was given up to the invocation that had this item in it: a line each, the items with spaces between.
    pub(crate) async fn until(&self, last: &str) -> Vec<String> {
        let has_last = || self.invocations().iter().any(|invocation| invocation.items.iter().any(|item| item == last));
        eventually(&format!("{} sees {last}", self.name), has_last).await;
        self.invocations().into_iter().map(|invocation| invocation.items.join(" ")).collect()
    }

    /// Keys and content of what is in the bucket for failures, when there is so much.
    pub(crate) async fn archived(&self, count: usize) -> Vec<(String, Value)> {
        for _ in 0..POLLS_MAX {
            let listed = self.s3.list_objects_v2().bucket(&self.bucket).send().await.unwrap();
            if listed.contents().len() >= count {
                let mut objects = Vec::new();
                for key in listed.contents().iter().filter_map(|object| object.key()) {
                    let object = self.s3.get_object().bucket(&self.bucket).key(key).send().await.unwrap();
                    let bytes = object.body.collect().await.unwrap().into_bytes();
                    objects.push((key.to_owned(), serde_json::from_slice(&bytes).unwrap()));
                }
                return objects;
            }
            tokio::time::sleep(POLL).await;
        }
        panic!("{} does not hold {count} objects", self.bucket);
    }

    fn beside(&self, end: &str) -> PathBuf {
        let mut path = self.seen.clone().into_os_string();
        path.push(end);
        path.into()
    }
}

const POLL: Duration = Duration::from_millis(50);
const POLLS_MAX: usize = 1200;

/// Waits until something is so, with patience.
pub(crate) async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..POLLS_MAX {
        if is_so() {
            return;
        }
        tokio::time::sleep(POLL).await;
    }
    panic!("it never happened that {what}; the log is below target/emulator");
}

/// `streamed.py`, to be run by the Python that runs the emulator.
fn function() -> Vec<u8> {
    let python = python::venv(&repo_root(), |_| ()).unwrap().tool("python");
    let program = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/streamed.py")).unwrap();
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("bootstrap", SimpleFileOptions::default().unix_permissions(0o755)).unwrap();
    write!(zip, "#!{}\n{program}", python.display()).unwrap();
    zip.finish().unwrap().into_inner()
}

async fn create_bucket(s3: &aws_sdk_s3::Client, name: &str, region: &str) {
    use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
    let place = CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::from(region));
    s3.create_bucket().bucket(name).create_bucket_configuration(place.build()).send().await.unwrap();
}

fn resources(name: &str, seen: &Path, on_streams: &str) -> Value {
    let policy = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": on_streams, "Resource": { "Fn::GetAtt": ["Table", "StreamArn"] } },
        { "Effect": "Allow", "Action": ["s3:PutObject", "s3:ListBucket", "sqs:SendMessage"], "Resource": "*" },
    ]});
    let trust = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Principal": { "Service": "lambda.amazonaws.com" }, "Action": "sts:AssumeRole" },
    ]});
    json!({
        "Table": { "Type": "AWS::DynamoDB::Table", "Properties": {
            "TableName": format!("streamed-{name}"),
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "S" }],
            "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
            "StreamSpecification": { "StreamViewType": "NEW_IMAGE" },
        }},
        "Failures": { "Type": "AWS::S3::Bucket", "Properties": { "BucketName": format!("streamed-{name}-failures") } },
        "Role": { "Type": "AWS::IAM::Role", "Properties": {
            "AssumeRolePolicyDocument": trust,
            "Policies": [{ "PolicyName": "mapping", "PolicyDocument": policy }],
        }},
        "Function": { "Type": "AWS::Lambda::Function", "Properties": {
            "FunctionName": format!("streamed-{name}"),
            "Runtime": "provided.al2023",
            "Handler": "bootstrap",
            "Timeout": 120,
            "Code": { "S3Bucket": format!("streamed-{name}-code"), "S3Key": "function.zip" },
            "Role": { "Fn::GetAtt": ["Role", "Arn"] },
            "Environment": { "Variables": { "SEEN": seen } },
        }},
    })
}

/// Creates a stack and returns its one output.
async fn deploy(client: &aws_sdk_cloudformation::Client, name: &str, resources: Value, outputs: Value) -> String {
    let template = json!({ "Resources": resources, "Outputs": outputs }).to_string();
    let create = client.create_stack().stack_name(name).template_body(template);
    create.capabilities(Capability::CapabilityIam).send().await.unwrap();
    for _ in 0..POLLS_MAX {
        let described = client.describe_stacks().stack_name(name).send().await.unwrap();
        let stack = described.stacks.unwrap_or_default().pop().unwrap();
        match stack.stack_status {
            Some(StackStatus::CreateComplete) => return stack.outputs()[0].output_value().unwrap().to_owned(),
            Some(StackStatus::CreateInProgress) => tokio::time::sleep(POLL).await,
            status => panic!("{name} is {status:?}: {:?}", stack.stack_status_reason),
        }
    }
    panic!("{name} was not created");
}
