//! What a function costs: milliseconds of CPU and of waiting to GB-seconds.
//!
//! By AWS's word, memory buys CPU: 1,769 MB are one vCPU, and more or less is in proportion. Begun milliseconds are billed.
//! Cold starts are left out: which share of invocations they are depends on the traffic.

/// How much memory comes with one vCPU.
const VCPU_MB: f64 = 1769.0;

/// What a batch of a function needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Work {
    /// Messages of a batch, which are worked on side by side.
    pub(super) messages: f64,
    /// Of each, on one core.
    pub(super) cpu_ms: f64,
    /// What each waits beside that; all of a batch wait at the same time.
    pub(super) waiting_ms: f64,
}

impl Work {
    /// How long an invocation lasts, in milliseconds as they are billed.
    pub(super) fn billed_ms(self, memory_mb: f64) -> f64 {
        // A message is worked on by one thread, so one alone gains nothing from a second vCPU.
        let cores = (memory_mb / VCPU_MB).min(self.messages);
        (self.messages * self.cpu_ms / cores + self.waiting_ms).ceil()
    }

    /// GB-seconds for each message.
    pub(super) fn gb_seconds(self, memory_mb: f64) -> f64 {
        self.billed_ms(memory_mb) / 1000.0 * memory_mb / 1024.0 / self.messages
    }
}

/// Of these sizes the one in which all of this costs least together; the smaller of two that cost the same.
pub(super) fn cheapest(works: &[Work], sizes_mb: &[f64]) -> Option<f64> {
    let cost = |size: f64| works.iter().map(|work| work.gb_seconds(size)).sum::<f64>();
    sizes_mb.iter().copied().min_by(|a, b| cost(*a).total_cmp(&cost(*b)).then(a.total_cmp(b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(is: f64, should: f64) {
        assert!((is - should).abs() < 1e-9, "{is}, not {should}");
    }

    #[test]
    fn more_memory_is_more_cpu_and_less_time() {
        let batch = Work { messages: 5.0, cpu_ms: 40.0, waiting_ms: 10.0 };
        // 200 ms of CPU on one core, on half of one, on two.
        near(batch.billed_ms(1769.0), 210.0);
        near(batch.billed_ms(884.5), 410.0);
        near(batch.billed_ms(3538.0), 110.0);
        // 172.75 on 1.158 cores, and 10, rounded up.
        near(batch.billed_ms(2048.0), 183.0);
        near(batch.gb_seconds(2048.0), 0.183 * 2.0 / 5.0);
    }

    #[test]
    fn a_photo_alone_has_one_core_at_most() {
        let alone = Work { messages: 1.0, cpu_ms: 40.0, waiting_ms: 0.0 };
        near(alone.billed_ms(1769.0), 40.0);
        near(alone.billed_ms(3538.0), 40.0);
        near(alone.gb_seconds(1024.0), 0.070);
    }

    #[test]
    fn waiting_makes_small_functions_cheap() {
        let waiting = Work { messages: 5.0, cpu_ms: 40.0, waiting_ms: 100.0 };
        assert_eq!(cheapest(&[waiting], &[3008.0, 1024.0, 128.0, 2048.0]), Some(128.0));
        assert_eq!(cheapest(&[waiting], &[3008.0, 2048.0]), Some(2048.0));
        assert_eq!(cheapest(&[], &[3008.0, 2048.0]), Some(2048.0));
        assert_eq!(cheapest(&[waiting], &[]), None);
    }
}
