//! The fault `kills`: a function's process dies in the midst of invocations, and the emulator goes on as AWS does.
//!
//! With a function of the tests, on an emulator of its own; what becomes of ratings then is another test's business.

use std::collections::BTreeSet;
use std::fs;

use coffeeshop_local::{Options, Stack};
use serde_json::json;

use crate::streamed::{Streamed, eventually, item};

const KILLS: usize = 6;
const ITEMS: usize = 40;

#[tokio::test]
async fn a_killed_invocation_is_an_error_of_the_function_and_the_next_one_has_a_new_process() {
    let options = Options { stack_name: "kills".to_owned(), ..Options::new() };
    let stack = Stack::start(&options.kill("victim", KILLS.try_into().unwrap(), 20_261_121)).await.unwrap();
    let victim = Streamed::new(stack.info(), "victim").await;
    let bystander = Streamed::new(stack.info(), "bystander").await;
    for streamed in [&victim, &bystander] {
        streamed.put((0..ITEMS).map(|number| item(&number.to_string()).does("take a while"))).await;
        streamed.map(json!({ "BatchSize": 1 })).await;
    }
    eventually("both come to the end", || victim.done() == ITEMS && bystander.done() == ITEMS).await;

    let log = fs::read_to_string(stack.log_path()).unwrap();
    let killed: BTreeSet<&str> =
        log.lines().filter_map(|line| line.split_once("killed streamed-victim inside")).map(|(_, rest)| rest).collect();
    assert_eq!(killed.len(), KILLS, "{killed:?}");
    assert_eq!(log.matches("killed ").count(), KILLS);
    assert!(killed.iter().all(|rest| rest.starts_with(" invocation ") && rest.ends_with(" ms")), "{killed:?}");
    let retried = log.matches("streamed-victim has handled 0 of 1 records").count();
    assert_eq!(retried, KILLS);
    assert_eq!(bystander.invocations().len(), ITEMS);
    stack.stop().await.unwrap();
}
