//! `--break`: one function always fails, until what it was to do rests in a dead-letter queue, or in archives; for practice.
//!
//! Nothing is mended or moved back here: that is what whoever practises is told to do. Waiting until it rests is in
//! [`rests`].

mod rests;

use std::path::Path;

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use coffeeshop_local::app::App;
use coffeeshop_local::{Options, Stack, StackInfo};

use self::rests::Place;
use super::notifications::announced;
use super::{command, photos, ratings, table};
use crate::say;

/// How long a received message stays hidden: five times that is within a minute, and a mended function has done by then.
const VISIBILITY_SECONDS: &str = "5";

/// How often a delivery is tried.
const DELIVERY_ATTEMPTS: &str = "3";

/// How often ratings are tried again. Ten times take 13 seconds here for each record that is alone in the end, and there
/// are hundreds, one after the other.
const RATINGS_RETRIES: &str = "0";

/// Which function is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Broken {
    /// No photo gets an outcome; they come to rest in uploads-dlq.
    Thumbnailer,
    /// Nobody is told of anything; the events come to rest in notifications-dlq.
    Notifier,
    /// No rating counts; they come to rest as archives in failures.
    Aggregator,
}

impl Broken {
    fn name(self) -> &'static str {
        match self {
            Self::Thumbnailer => "thumbnailer",
            Self::Notifier => "notifier",
            Self::Aggregator => "aggregator",
        }
    }

    /// The output that has the function's name.
    fn function(self) -> &'static str {
        match self {
            Self::Thumbnailer => "ThumbnailerFunction",
            Self::Notifier => "NotifierFunction",
            Self::Aggregator => "AggregatorFunction",
        }
    }

    /// Where it rests what the function was to do.
    fn place(self, info: &StackInfo) -> Result<Place<'_>> {
        let queue =
            |queue, dlq, others| anyhow::Ok(Place::Dlq { queue: info.output(queue)?, dlq: info.output(dlq)?, others });
        match self {
            Self::Thumbnailer => queue("UploadsQueueUrl", "UploadsDlqUrl", "by which S3 has tried the queue"),
            Self::Notifier => queue("NotificationsQueueUrl", "NotificationsDlqUrl", "which were announced twice"),
            Self::Aggregator => {
                Ok(Place::Archives { name: "aggregator-failures", mapping: info.output("AggregatorMapping")? })
            }
        }
    }

    /// How much of it is done again before the rest: an archive may have many records.
    fn canary(self) -> &'static str {
        match self {
            Self::Thumbnailer | Self::Notifier => "3",
            Self::Aggregator => "1",
        }
    }

    /// What else there is to see when it is done.
    fn more_to_try(self) -> String {
        let Self::Aggregator = self else { return String::new() };
        let groups = command::typed(&["dlq", "groups", "ratings-quarantine"]);
        format!("\nWhat makes no sense is in the quarantine by then, and in no score:\n\n  {groups}\n")
    }

    /// The stack with it broken.
    pub(crate) fn deployed(self, options: Options) -> Options {
        let options = options.broken(self.name());
        match self {
            Self::Thumbnailer => options.parameter("UploadsVisibilityTimeout", VISIBILITY_SECONDS),
            Self::Notifier => options
                .parameter("NotifierVisibilityTimeout", VISIBILITY_SECONDS)
                .parameter("DeliveryAttempts", DELIVERY_ATTEMPTS),
            Self::Aggregator => options.parameter("AggregatorRetries", RATINGS_RETRIES),
        }
    }
}

/// Feeds the stack, waits until everything that cannot be done rests, and says what to do about it.
pub(crate) async fn through_the_pipeline(
    broken: Broken,
    stack: &Stack,
    code_bucket: &str,
    photos: Vec<photos::Photo>,
) -> Result<()> {
    let (info, log) = (stack.info(), stack.log_path());
    let app = App::new(info)?;
    let resting = match broken {
        Broken::Thumbnailer => {
            let count = photos.len();
            photos::upload(&app, photos).await?;
            ratings::through_the_pipeline(info).await?;
            count
        }
        Broken::Notifier => {
            let rows = photos::through_the_pipeline(info, photos).await?;
            say(&table::of(&rows));
            ratings::through_the_pipeline(info).await?;
            announced(&app, &rows).await?.count()
        }
        Broken::Aggregator => {
            let rows = photos::through_the_pipeline(info, photos).await?;
            say(&table::of(&rows));
            ratings::feed(&app).await?
        }
    };
    let place = broken.place(info)?;
    let rests = place.rests(&app, resting).await;
    say(&rests.with_context(|| format!("the log is {}", log.display()))?);
    say(&what_to_try(broken, info, &place, code_bucket, log)?);
    Ok(())
}

fn what_to_try(broken: Broken, info: &StackInfo, place: &Place<'_>, code_bucket: &str, log: &Path) -> Result<String> {
    let function_name = info.output(broken.function())?;
    let (short, canary) = (place.name(), broken.canary());
    let typed = |arguments: &[&str]| command::typed(arguments);
    let StackInfo { endpoint, region, access_key_id, secret_access_key, .. } = info;
    Ok(format!(
        "The {zip} was broken on purpose. The stack serves at {endpoint} until Ctrl-C or `cargo xtask local stop`.
What it logs: {log}

See what rests, and why:

  {list}
  {groups}

Mend the function, as on AWS, with the code that lies beside the broken:

  export AWS_ACCESS_KEY_ID={access_key_id} AWS_SECRET_ACCESS_KEY={secret_access_key} AWS_DEFAULT_REGION={region}
  aws --endpoint-url {endpoint} lambda update-function-code --function-name {function_name} \\
    --s3-bucket {code_bucket} --s3-key {zip}.zip

Have it all done again, {canary} first; then see that nothing is wrong:

  {replay}
  {verify}
{more}",
        zip = broken.name(),
        log = log.display(),
        list = typed(&["dlq", "list"]),
        groups = typed(&["dlq", "groups", short]),
        replay = typed(&["dlq", "replay", short, "--execute", "--canary", canary]),
        verify = typed(&["scores", "verify", "--all"]),
        more = broken.more_to_try(),
    ))
}
