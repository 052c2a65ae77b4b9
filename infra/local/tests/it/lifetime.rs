//! Nothing stays behind: neither the emulator nor a function's process.

use std::process::Command;

use coffeeshop_local::{Options, Stack};

/// Processes of the emulator's group: itself and the functions.
fn processes(pid: u32) -> Vec<String> {
    let output = Command::new("ps").args(["-A", "-o", "pgid=,stat=,args="]).output().unwrap();
    let group = pid.to_string();
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter(|line| line.split_whitespace().next() == Some(&group))
        // One that has ended and waits to be collected is none.
        .filter(|line| !line.split_whitespace().nth(1).is_some_and(|state| state.starts_with('Z')))
        .map(str::to_owned)
        .collect()
}

async fn start(stack_name: &str) -> Stack {
    Stack::start(&Options { stack_name: stack_name.to_owned(), ..Options::new() }).await.unwrap()
}

#[tokio::test]
async fn a_stopped_stack_leaves_no_process_and_no_files_but_its_log() {
    let stack = start("stopped").await;
    let (pid, log) = (stack.info().pid, stack.log_path().to_owned());
    assert!(!processes(pid).is_empty());

    stack.stop().await.unwrap();

    assert_eq!(processes(pid), Vec::<String>::new());
    let run = log.parent().unwrap();
    assert!(log.exists() && !run.join("tmp").exists(), "{}", run.display());
}

#[tokio::test]
async fn a_dropped_stack_leaves_no_process_not_even_one_that_was_just_starting() {
    let stack = start("dropped").await;
    let pid = stack.info().pid;
    let sqs = aws_sdk_sqs::Client::new(&stack.info().sdk_config());
    let queue = stack.info().output("UploadsQueueUrl").unwrap();
    for _ in 0..20 {
        sqs.send_message().queue_url(queue).message_body("{}").send().await.unwrap();
    }
    drop(stack);
    assert_eq!(processes(pid), Vec::<String>::new());
}

#[tokio::test]
async fn a_template_that_cannot_be_created_says_why() {
    let options = Options { stack_name: "refused".to_owned(), ..Options::new() };
    let refused = Stack::start(&options.parameter("ThumbnailerTimeout", "100000")).await.unwrap_err();
    let message = format!("{refused:#}");
    assert!(message.contains("ThumbnailerTimeout") && message.contains("emulator.log"), "{message}");
}
