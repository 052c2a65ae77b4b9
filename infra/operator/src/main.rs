//! The `coffeeshop` command: connects and runs. What it does and says is in the library.

use std::env;
use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use coffeeshop_aws::SystemClock;
use coffeeshop_aws::stack::{Stack, StackError};
use coffeeshop_operator::cli::{Target, Typed, local_stack};
use coffeeshop_operator::config;
use coffeeshop_operator::failure::{Failure, Why};
use coffeeshop_operator::progress::{self, Teller};
use coffeeshop_operator::run::{ExportPorts, Ports, Verdict, ctrl_c, run, run_dlq, run_export, run_photos};
use coffeeshop_operator::wiring::{self, OnAws, PhotoPlaces, PhotoPorts};
use tokio::runtime::Builder;

fn main() -> ExitCode {
    let typed = Typed::parse(env::args_os()).unwrap_or_else(|error| error.exit());
    let done = Builder::new_current_thread().enable_all().build().map_err(|error| Why::Start(error).into());
    let done = done.and_then(|runtime| {
        let done = runtime.block_on(command(&typed));
        // Otherwise Ctrl-C would wait for names that are being looked up.
        runtime.shutdown_background();
        done
    });
    ExitCode::from(done.map_or_else(|failure| failure.say(io::stderr()), Verdict::status))
}

async fn command(typed: &Typed) -> Result<Verdict, Failure> {
    let stack = match typed.target() {
        Target::Stack(name) => Stack::deployed(name).await?,
        Target::Local => {
            let file = env::current_dir().ok().and_then(|folder| local_stack(&folder));
            Stack::local(&file.ok_or(StackError::NotRunning)?)?
        }
    };
    match typed {
        Typed::Scores(invocation) => {
            let (store, board) = (stack.shop_records()?, stack.leaderboard()?);
            let ports = Ports { store: &store, board: &board, clock: &SystemClock };
            run(invocation, &ports, io::stdout(), progress::bar(invocation), ctrl_c()).await
        }
        Typed::Export(invocation) => {
            let ports = ExportPorts { scores: &stack.scores()?, clock: &SystemClock };
            let (stdout, teller) = (io::stdout(), Teller::on_stderr());
            let is_terminal = stdout.is_terminal();
            run_export(invocation, ports, stdout, is_terminal, teller, ctrl_c()).await
        }
        Typed::Dlq(invocation) => {
            let journals = config::journals().ok_or(Why::NoHome)?;
            let ports = wiring::Ports::<OnAws> {
                queues: &stack.queues(),
                objects: &stack.objects(),
                functions: &stack.functions(),
                streams: &stack.streams(),
                records: &stack.shop_records()?,
                clock: &SystemClock,
                places: &stack.places().await?,
                journals: &journals,
                editor: &config::editor(),
            };
            run_dlq(invocation, ports, io::stdout(), Teller::on_stderr(), ctrl_c).await
        }
        Typed::Photos(invocation) => {
            let journals = config::journals().ok_or(Why::NoHome)?;
            let ports = PhotoPorts::<OnAws> {
                photos: &stack.photos()?,
                objects: &stack.objects(),
                queues: &stack.queues(),
                clock: &SystemClock,
                places: &PhotoPlaces::of(&stack)?,
                journals: &journals,
            };
            run_photos(invocation, ports, io::stdout(), Teller::on_stderr(), ctrl_c).await
        }
    }
}
