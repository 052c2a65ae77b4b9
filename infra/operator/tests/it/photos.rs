//! Photos that are listed, shown and sent to be made anew, on stores in memory: none is lost or doubled without a word,
//! whatever goes wrong and wherever it stops.

mod bench;
mod contract;
mod faults;
mod kills;
mod looks;
mod reprocess;
