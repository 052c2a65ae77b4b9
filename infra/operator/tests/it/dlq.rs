//! Messages that rest somewhere, on queues in memory: what is seen of them, and that none is lost or doubled, whatever goes
//! wrong and wherever it stops.

mod archives;
pub(crate) mod bench;
mod canary;
mod contract;
mod edit;
mod faults;
mod kills;
mod looks;
mod old_archives;
mod quarantine;
mod replay;
mod stream;
