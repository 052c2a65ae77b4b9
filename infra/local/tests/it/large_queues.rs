//! The gap `large_queues`: a queue of 100,000 messages answers nearly as fast as one of ten, and as it did before.
//!
//! What ministack answers without the gap is what it must answer with it, so both are in one process, with
//! `large_queues.py`. Nothing here is timed: the messages that a call looks at are counted.

use crate::queue_lock::inside_the_emulator;

#[test]
fn a_queue_answers_as_before_and_looks_at_few_of_its_messages() {
    let (said, log) = inside_the_emulator("large_queues.py");
    let expected = [
        "standard: 0 of 20 histories differ",
        "line.fifo: 0 of 20 histories differ",
        "never seen: []",
        "messages looked at in a call: at most 10 of 2010",
        "4 of 4 wait",
    ];
    assert_eq!(said, expected, "{log}");
}
