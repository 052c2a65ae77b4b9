//! The deployment template on an AWS emulator, on one machine: no Docker, no account.
//!
//! [`Stack::start`] reads top to bottom: a Python environment ([`python`]), the functions as zip files (`package`), the
//! emulator's process (`emulator`), the template on it (`deploy`), and what the emulator's CloudFormation ignores
//! (`fill`). Nothing here knows what the functions do, uploads photos or prints; the emulator itself is a Python package
//! in `emulator/`. Unix only.

pub mod app;
mod config;
mod deploy;
mod emulator;
mod fill;
pub mod node;
pub mod package;
pub mod python;
pub mod receiver;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
pub use coffeeshop_aws::stack::StackInfo;

use crate::emulator::Emulator;

/// What to start, and where.
#[derive(Clone, Debug)]
pub struct Options {
    /// The repository.
    pub root: PathBuf,
    /// Lower case, at most 24 characters: bucket names are built from it.
    pub stack_name: String,
    /// The template's parameters that are not to have their default.
    pub parameters: Vec<(String, String)>,
    /// Whether the snapshotter also runs by itself, on the template's schedules.
    pub schedules: bool,
    /// Which function is killed now and then, if any.
    pub kills: Option<Kills>,
    /// For how many seconds at most a message is hidden from whoever receives it through the API, if that is limited.
    pub hidden_seconds_max: Option<u32>,
    /// The profile of the workspace that the functions are built with.
    pub profile: &'static str,
    /// Which function, as in [`package::FUNCTIONS`], is deployed with code that always fails, if any.
    pub broken: Option<String>,
    /// Called with a line for a person before each step that takes time.
    pub progress: fn(&str),
}

/// A function whose process is killed in the midst of invocations, to see what survives that.
///
/// Each kill is a line of the log, `killed {function} inside invocation {request id} after {n} ms`; about every second
/// invocation is hit, until there were so many kills. A killed invocation fails as on AWS.
#[derive(Clone, Debug)]
pub struct Kills {
    /// How the function's name ends, such as `aggregator`.
    pub function: String,
    /// How many kills there are in all, if there are invocations enough.
    pub count: u32,
    /// Of the choice of invocations and moments.
    pub seed: u64,
}

impl Options {
    /// The stack `coffeeshop` of this repository, all parameters as the template has them, but for the schedules, which are
    /// paused, so that nothing happens by the clock; nothing killed, brought back early, broken or reported.
    pub fn new() -> Self {
        Self {
            root: repo_root(),
            stack_name: "coffeeshop".to_owned(),
            parameters: Vec::new(),
            schedules: false,
            kills: None,
            hidden_seconds_max: None,
            profile: "local",
            broken: None,
            progress: |_| (),
        }
    }

    #[must_use]
    pub fn parameter(mut self, name: &str, value: &str) -> Self {
        self.parameters.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Has the function whose name ends so killed, so many times, at moments that the seed decides.
    #[must_use]
    pub fn kill(mut self, function: &str, count: u32, seed: u64) -> Self {
        self.kills = Some(Kills { function: function.to_owned(), count, seed });
        self
    }

    /// Has messages come back after so many seconds, though their receiver asked for more, as the operator's command does:
    /// if it was killed, a test need not wait for as long as that. What the functions are given by the emulator itself is
    /// hidden from others for as long as ever.
    #[must_use]
    pub fn hidden_at_most(mut self, seconds: u32) -> Self {
        self.hidden_seconds_max = Some(seconds);
        self
    }

    /// Has the function deployed with code that always fails. Its real code lies in [`Options::code_bucket`] all the same,
    /// as `{function}.zip`, and mends it by `UpdateFunctionCode`.
    #[must_use]
    pub fn broken(mut self, function: &str) -> Self {
        self.broken = Some(function.to_owned());
        self
    }

    /// The bucket of the functions' zip files.
    pub fn code_bucket(&self) -> String {
        format!("{}-code", self.stack_name)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

/// A running emulator with the template deployed. It ends with [`Stack::stop`], when dropped, and, however this
/// process goes, with this process.
#[derive(Debug)]
pub struct Stack {
    emulator: Emulator,
    info: StackInfo,
}

impl Stack {
    /// Builds the functions, starts the emulator and deploys the template.
    pub async fn start(options: &Options) -> Result<Self> {
        if let Some(broken) = &options.broken {
            let known = package::FUNCTIONS.iter().any(|(_, name)| name == broken);
            ensure!(known, "{broken} cannot be broken: there is no such function");
        }
        let zips = {
            let options = options.clone();
            blocking(move || package::functions(&options.root, options.profile, options.progress)).await?
        };
        let emulator = Emulator::start(options).await?;
        let mut info = emulator.info(&options.stack_name);

        (options.progress)("deploying infra/template.yaml");
        let sdk = info.sdk_config();
        let deployed = async {
            info.outputs = deploy::stack(&sdk, options, &zips).await?;
            fill::gaps(&sdk, &options.stack_name).await
        };
        deployed.await.with_context(|| {
            format!("the template could not be deployed; the emulator's log is {}", emulator.log_path().display())
        })?;
        Ok(Self { emulator, info })
    }

    pub fn info(&self) -> &StackInfo {
        &self.info
    }

    /// What the emulator and the functions log. It stays when the stack is gone, until some more have been started.
    pub fn log_path(&self) -> &Path {
        self.emulator.log_path()
    }

    /// Ends the emulator and the functions' processes.
    pub async fn stop(self) -> Result<()> {
        blocking(move || self.emulator.stop()).await
    }
}

/// The repository that this was built in.
pub fn repo_root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.context("a step of the local stack panicked")?
}
