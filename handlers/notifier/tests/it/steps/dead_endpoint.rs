//! One webhook that never answers, among fifty: the others do not wait for it.

use std::pin::pin;

use super::bench::{Bench, Step, poll_times, ready, user, webhook};
use super::endpoints::Behaviour;

#[test]
fn a_webhook_that_hangs_delays_no_other() {
    let bench = Bench::new();
    let ada = user("ada");
    let event = ready("ada", "photo", 1);
    let hosts: Vec<String> = (0..50).map(|number| format!("hook-{number}.example")).collect();
    for (number, host) in hosts.iter().enumerate() {
        bench.endpoints.set(host, if number == 0 { Behaviour::Hangs } else { Behaviour::Status(200) });
        bench.world.subscribe(webhook(&ada, &format!("hook-{number}"), host));
    }
    bench.publish(&event);
    bench.invoke_now(Step::Notifications);

    // Lambda hands out batches side by side, each to an invocation of its own.
    let (mut hanging, mut handled) = (0, 0);
    for request in 0..5 {
        let messages = bench.queue(Step::Deliveries).receive(10);
        let begun = messages.len();
        let mut invocation = pin!(bench.invoke(Step::Deliveries, messages, request));
        match poll_times(&mut invocation, 1000) {
            Some(()) => handled += begun,
            None => hanging += 1,
        }
        // While it hangs, its companions of the same batch have been told too.
        let told = hosts.iter().filter(|host| !bench.endpoints.calls(host).is_empty()).count();
        assert_eq!(told, 10 * (hanging + handled / 10));
    }
    assert_eq!((hanging, handled), (1, 40));
    for (number, host) in hosts.iter().enumerate().filter(|(number, _)| *number != 0) {
        assert_eq!(bench.endpoints.calls(host).len(), 1, "hook-{number}");
    }
    // Its invocation has died with it; the nine others of that batch are not told again.
    bench.endpoints.set("hook-0.example", Behaviour::Status(200));
    bench.settle();
    for host in &hosts {
        bench.assert_told(host, &event, 0);
    }
}
