//! `--break`: one function always fails, until what it was to do rests in a dead-letter queue; for practice.
//!
//! Nothing is mended or moved back here: that is what whoever practises is told to do.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;
use coffeeshop_local::app::App;
use coffeeshop_local::{Options, Stack, StackInfo};

use super::notifications::announced;
use super::{command, photos, ratings, table};
use crate::say;

/// How long a received message stays hidden: five times that is within a minute, and a mended function has done by then.
const VISIBILITY_SECONDS: &str = "5";

/// How often a delivery is tried.
const DELIVERY_ATTEMPTS: &str = "3";

/// How long to wait until everything rests.
const RESTS_MAX: Duration = Duration::from_mins(3);

/// Which function is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Broken {
    /// No photo gets an outcome; they come to rest in uploads-dlq.
    Thumbnailer,
    /// Nobody is told of anything; the events come to rest in notifications-dlq.
    Notifier,
}

impl Broken {
    fn name(self) -> &'static str {
        match self {
            Self::Thumbnailer => "thumbnailer",
            Self::Notifier => "notifier",
        }
    }

    /// The outputs that have the function's name, the URL of its queue and that of the queue's DLQ.
    fn outputs(self) -> [&'static str; 3] {
        match self {
            Self::Thumbnailer => ["ThumbnailerFunction", "UploadsQueueUrl", "UploadsDlqUrl"],
            Self::Notifier => ["NotifierFunction", "NotificationsQueueUrl", "NotificationsDlqUrl"],
        }
    }

    /// What rests there beside that which was fed to it.
    fn others(self) -> &'static str {
        match self {
            Self::Thumbnailer => "by which S3 has tried the queue",
            Self::Notifier => "which were announced twice",
        }
    }

    /// The stack with it broken.
    pub(crate) fn deployed(self, options: Options) -> Options {
        let options = options.broken(self.name());
        match self {
            Self::Thumbnailer => options.parameter("UploadsVisibilityTimeout", VISIBILITY_SECONDS),
            Self::Notifier => options
                .parameter("NotifierVisibilityTimeout", VISIBILITY_SECONDS)
                .parameter("DeliveryAttempts", DELIVERY_ATTEMPTS),
        }
    }
}

/// Feeds the stack, waits until everything that cannot be done rests in the DLQ, and says what to do about it.
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
            announced(&app, &rows).await?.len()
        }
    };
    let rests = rests(broken, info, &app, resting).await;
    say(&rests.with_context(|| format!("the log is {}", log.display()))?);
    say(&what_to_try(broken, info, code_bucket, log)?);
    Ok(())
}

/// Waits until so many messages are in the DLQ and none before it; says so.
async fn rests(broken: Broken, info: &StackInfo, app: &App, expected: usize) -> Result<String> {
    let [_, queue, dlq] = broken.outputs();
    let (queue, dlq) = (info.output(queue)?, info.output(dlq)?);
    say(&format!("waiting until {expected} messages rest in {}", name(dlq)));
    let began = Instant::now();
    loop {
        // In this order: what moves in between is counted twice, never not at all.
        let (waiting, resting) = (app.messages_in(queue).await?, app.messages_in(dlq).await?);
        if waiting == 0 && resting >= expected {
            let seconds = began.elapsed().as_secs();
            let others = match resting - expected {
                0 => String::new(),
                others => format!(", and {others} others, {}", broken.others()),
            };
            let (queue, dlq) = (name(queue), name(dlq));
            return Ok(format!("{queue}: nothing\n{dlq}: {expected} messages{others}; after {seconds} s\n"));
        }
        if began.elapsed() > RESTS_MAX {
            bail!("{resting} of {expected} messages rest in {}, {waiting} are in {}", name(dlq), name(queue));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// A queue's name, from its URL.
fn name(queue_url: &str) -> &str {
    queue_url.rsplit('/').next().unwrap_or(queue_url)
}

fn what_to_try(broken: Broken, info: &StackInfo, code_bucket: &str, log: &Path) -> Result<String> {
    let [function, _, dlq] = broken.outputs();
    let function_name = info.output(function)?;
    let dlq = name(info.output(dlq)?);
    // The command calls a queue as the template does, without the stack's name.
    let short = dlq.split_once('-').map_or(dlq, |(_, short)| short);
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

Have it all done again, three first; then see that nothing is wrong:

  {replay}
  {verify}
",
        zip = broken.name(),
        log = log.display(),
        list = typed(&["dlq", "list"]),
        groups = typed(&["dlq", "groups", short]),
        replay = typed(&["dlq", "replay", short, "--execute", "--canary", "3"]),
        verify = typed(&["scores", "verify", "--all"]),
    ))
}
