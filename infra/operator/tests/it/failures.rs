//! What is said of what went wrong outside, and the exit status.

use std::io;

use coffeeshop_aws::stack::{StackError, Trouble};
use coffeeshop_core::ports::PortError;
use coffeeshop_operator::failure::{Failure, Why};
use insta::assert_snapshot;

/// An error with two causes, of which the last says nothing new.
fn chain() -> io::Error {
    let inner = io::Error::other("Requested resource not found");
    io::Error::other(PortError::new("service error: Requested resource not found", inner))
}

/// Which words it has is `coffeeshop-aws`'s.
#[test]
fn what_is_wrong_with_a_stack_is_said_as_it_is() {
    let denied = "User: operator is not authorized to perform: cloudformation:DescribeStacks";
    let denied = || StackError::Trouble { trouble: Trouble::Denied, cause: Some(denied.into()) };
    assert_eq!(
        Failure::from(denied()).text(),
        format!("error: {}\n  User: operator is not authorized to perform: cloudformation:DescribeStacks\n", denied())
    );
    let no_stack = || StackError::NoStack { name: "prod".to_owned(), region: "eu-central-1".to_owned() };
    let failure = Failure::from(no_stack());
    assert_eq!((failure.text(), failure.status()), (format!("error: {}\n", no_stack()), 1));
}

#[test]
fn everything_that_goes_wrong_outside_is_a_sentence() {
    let cases: Vec<(&str, Why)> = vec![
        ("a call", PortError::new("scores.query", chain()).into()),
        ("too much at once", PortError::busy("scores.query", "ThrottlingException").into()),
        ("a full disk", Why::Output(io::ErrorKind::StorageFull.into())),
        ("| head", Why::Output(io::ErrorKind::BrokenPipe.into())),
        ("no runtime", Why::Start(io::ErrorKind::OutOfMemory.into())),
        ("Ctrl-C", Why::Interrupted { repairs: false }),
        ("Ctrl-C during repairs", Why::Interrupted { repairs: true }),
    ];
    let said = cases.into_iter().map(|(name, why)| {
        let failure = Failure::from(why);
        format!("### {name}, exit status {}\n{}", failure.status(), failure.text())
    });
    assert_snapshot!(said.collect::<Vec<_>>().join("\n"));
}
