//! The two steps, on queues, tables and webhooks in memory: whatever fails, dies, comes twice or late, everybody is told,
//! an inbox once, a webhook with one id.

mod bench;
mod dead_endpoint;
mod endpoints;
mod faults;
mod simulation;
mod table;
mod time;
