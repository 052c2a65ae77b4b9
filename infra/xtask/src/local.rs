//! `cargo xtask local`: the whole pipeline on this machine, with photos and ratings going through it, and
//! somebody who is told of them.
//!
//! The stack itself is `coffeeshop-local`'s; here it is fed, shown and ended.

mod command;
mod notifications;
mod photos;
mod practice;
mod ratings;
mod table;

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use clap::{Args, Subcommand};
use coffeeshop_local::app::App;
use coffeeshop_local::{Options, Stack, StackInfo, repo_root};

use self::notifications::Told;
use self::practice::Broken;
use crate::say;

/// How to run it.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<LocalCommand>,
    /// Upload the files of this folder instead of the fixtures.
    #[arg(long, value_name = "DIR")]
    photos: Option<PathBuf>,
    /// End after the tables, with an error if a photo has no outcome. The snapshotter's schedules are paused.
    #[arg(long)]
    once: bool,
    /// For practice with dead letters: deploy this function with code that always fails, wait until what it was to do
    /// rests in the dead-letter queue or in archives, and say how to mend it and replay that.
    #[arg(long = "break", value_name = "FUNCTION")]
    broken: Option<Broken>,
}

#[derive(Subcommand)]
enum LocalCommand {
    /// End the one that is running.
    Stop,
}

/// Where a running stack is described, for whoever wants to talk to it.
fn stack_file() -> PathBuf {
    repo_root().join("target/local/stack.json")
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    match arguments.command {
        Some(LocalCommand::Stop) => stop(),
        None => tokio::runtime::Runtime::new()?.block_on(start(arguments)),
    }
}

/// Keeps others from starting one until this is dropped: the file that describes a stack is there only when it is deployed,
/// minutes later.
fn claim() -> Result<File> {
    let file = stack_file().with_file_name("lock");
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let lock = File::create(&file).with_context(|| format!("{} cannot be made", file.display()))?;
    match lock.try_lock() {
        Err(TryLockError::WouldBlock) => bail!("another `cargo xtask local` is on its way: wait for it, or end it"),
        // Where files cannot be locked, nobody is kept from anything.
        Err(TryLockError::Error(_)) | Ok(()) => Ok(lock),
    }
}

/// The stack that is described in the file, if it is running.
fn running() -> Result<Option<StackInfo>> {
    let file = stack_file();
    let text = match fs::read_to_string(&file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        read => read.with_context(|| format!("{} cannot be read", file.display()))?,
    };
    let Ok(info) = serde_json::from_str::<StackInfo>(&text) else { return Ok(None) };
    let address: Option<SocketAddr> = info.endpoint.strip_prefix("http://").and_then(|address| address.parse().ok());
    let answers = |address| TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok();
    Ok(Some(info).filter(|_| address.is_some_and(answers)))
}

fn stop() -> Result<()> {
    let Some(info) = running()? else {
        forget()?;
        say("nothing is running");
        return Ok(());
    };
    let status = Command::new("kill").arg(info.pid.to_string()).status().context("`kill` could not be run")?;
    ensure!(status.success(), "process {} could not be ended", info.pid);
    for _ in 0..150 {
        if running()?.is_none() {
            forget()?;
            say("stopped");
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    bail!("process {} was told to end and still answers", info.pid)
}

fn forget() -> Result<()> {
    match fs::remove_file(stack_file()) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error).context("stack.json cannot be removed"),
        _ => Ok(()),
    }
}

async fn start(arguments: &Arguments) -> Result<()> {
    if let Some(info) = running()? {
        bail!("one is running at {}; end it with `cargo xtask local stop`", info.endpoint);
    }
    let _claimed = claim()?;
    let photos = match &arguments.photos {
        Some(folder) => photos::in_folder(folder)?,
        None => photos::in_folder(&repo_root().join("fixtures/images"))?,
    };
    say("building the operator's command");
    tokio::task::spawn_blocking(command::build).await??;
    let told = Told::start().await?;
    // Whoever stays has leaderboards and snapshots by the clock.
    let options = Options { progress: say, schedules: !arguments.once, ..Options::new() };
    let options = options.parameter("WebhookAllow", &told.webhook_allow());
    let options = arguments.broken.into_iter().fold(options, |options, broken| broken.deployed(options));
    let stack = Stack::start(&options).await?;
    remember(stack.info())?;
    let ended = tokio::select! {
        ended = work(&stack, &told, photos, arguments, &options) => ended,
        _ = tokio::signal::ctrl_c() => Ok(()),
    };
    forget()?;
    stack.stop().await?;
    ended
}

fn remember(info: &StackInfo) -> Result<()> {
    let file = stack_file();
    let text = serde_json::to_string_pretty(info)? + "\n";
    fs::write(&file, text).with_context(|| format!("{} cannot be written", file.display()))
}

async fn work(
    stack: &Stack,
    told: &Told,
    photos: Vec<photos::Photo>,
    arguments: &Arguments,
    options: &Options,
) -> Result<()> {
    told.subscribe(&App::new(stack.info())?).await?;
    say(&format!("uploading {} photos", photos.len()));
    match arguments.broken {
        Some(broken) => {
            practice::through_the_pipeline(broken, stack, &options.code_bucket(), photos).await?;
        }
        None => through_the_pipeline(stack, told, photos, arguments.once).await?,
    }
    if arguments.once {
        return Ok(());
    }
    while running()?.is_some() {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    say("the emulator has ended");
    Ok(())
}

async fn through_the_pipeline(stack: &Stack, told: &Told, photos: Vec<photos::Photo>, once: bool) -> Result<()> {
    let app = App::new(stack.info())?;
    let rows = photos::through_the_pipeline(stack.info(), photos).await?;
    let missing = rows.iter().filter(|row| row.outcome.is_none()).count();
    say("");
    say(&table::of(&rows));
    let settled = ratings::through_the_pipeline(stack.info()).await;
    settled.with_context(|| format!("the scores are not right; the log is {}", stack.log_path().display()))?;
    let heard = told.show(&app, &rows).await;
    heard.with_context(|| format!("not everybody was told; the log is {}", stack.log_path().display()))?;
    let taken = ratings::snapshot::through_the_pipeline(&app).await;
    taken.with_context(|| format!("the snapshot is not right; the log is {}", stack.log_path().display()))?;
    if once {
        ensure!(missing == 0, "{missing} photos have no outcome; the log is {}", stack.log_path().display());
    } else {
        say(&what_to_try(stack.info(), stack.log_path())?);
    }
    Ok(())
}

fn what_to_try(info: &StackInfo, log: &Path) -> Result<String> {
    let output = |name| info.output(name);
    let (originals, renditions, photos) =
        (output("OriginalsBucket")?, output("RenditionsBucket")?, output("PhotosTable")?);
    let (ratings, scores) = (output("RatingsTable")?, output("ScoresTable")?);
    let (snapshotter, analytics) = (output("SnapshotterFunction")?, output("AnalyticsBucket")?);
    let key = |first: &str, second: &str, value: &str| {
        format!(r#"'{{"shop_id":{{"S":"my-shop"}},"{first}":{{"S":"{second}"}}{value}}}'"#)
    };
    let (subscribers, inbox) = (output("SubscribersTable")?, output("InboxTable")?);
    let mine =
        r#"'{"subscriber":{"S":"user#me"},"channel_id":{"S":"app"},"kind":{"S":"inbox"},"enabled":{"BOOL":true}}'"#;
    let me = r#"'user_id = :me' --expression-attribute-values '{":me":{"S":"me"}}'"#;
    let photo = key("photo_id", "my-photo", "");
    let rated = key("user_id", "me", r#","stars":{"N":"5"},"rated_at":{"S":"2026-11-20T08:15:00Z"}"#);
    let score = key("period", "all", "");
    let every_board = r#"--cli-binary-format raw-in-base64-out --payload '{"job":"every_board"}'"#;
    let StackInfo { endpoint, region, access_key_id, secret_access_key, .. } = info;
    let aws = format!("aws --endpoint-url {endpoint}");
    Ok(format!(
        "It serves at {endpoint}, as AWS would, until Ctrl-C or `cargo xtask local stop`.
What it logs: {}

Try it with the aws command line, from another terminal:

  export AWS_ACCESS_KEY_ID={access_key_id} AWS_SECRET_ACCESS_KEY={secret_access_key} AWS_DEFAULT_REGION={region}
  {aws} dynamodb put-item --table-name {subscribers} --item {mine}
  {aws} s3 cp photo.jpg s3://{originals}/uploads/my-shop/my-photo --metadata user-id=me
  {aws} dynamodb get-item --table-name {photos} --key {photo}
  {aws} s3 cp --recursive s3://{renditions}/photos/my-shop/my-photo/ renditions/
  {aws} dynamodb query --table-name {inbox} --key-condition-expression {me}
  {aws} dynamodb put-item --table-name {ratings} --item {rated}
  {aws} dynamodb get-item --table-name {scores} --key {score}
  {aws} lambda invoke --function-name {snapshotter} {every_board} answer.json
  {aws} s3 cp --recursive s3://{analytics}/leaderboards/ leaderboards/

and with the operator's command:

  cargo coffeeshop scores show my-shop --local
  cargo coffeeshop scores verify --all --local
",
        log.display()
    ))
}
