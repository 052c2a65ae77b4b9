//! What is the same for every port in memory: each call is suspended once, counted, and may go wrong.
//!
//! Which effect a call has is not known here.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use fastrand::Rng;

use crate::ports::PortError;

/// How a port call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It fails and has had no effect.
    Before,
    /// It has had its effect, and the reply is lost.
    After,
    /// It fails, has had no effect, and says that it was too much at once.
    Busy,
}

/// The calls of a world.
#[derive(Debug, Default)]
pub(super) struct Calls {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    count: usize,
    fault: Option<(usize, Fault)>,
    always: Option<Fault>,
    at_random: Option<(Rng, u32)>,
    log: Vec<&'static str>,
    /// In a poll that lets one call have its effect: whether it has yet to come. `None`: any number may.
    turn: Option<bool>,
}

/// A call that has begun.
pub(super) struct Reply {
    call: &'static str,
    lost: bool,
}

impl Calls {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Makes the `call`-th call from now on (the first is 0) go wrong.
    pub(super) fn fail(&self, call: usize, fault: Fault) {
        let mut state = self.state();
        state.fault = Some((state.count + call, fault));
    }

    /// Makes one of `one_in` calls go wrong; with 0, none.
    pub(super) fn fail_at_random(&self, seed: u64, one_in: u32) {
        self.state().at_random = (one_in > 0).then(|| (Rng::with_seed(seed), one_in));
    }

    /// Makes every call go wrong, or none.
    pub(super) fn fail_always(&self, fault: Option<Fault>) {
        self.state().always = fault;
    }

    pub(super) fn count(&self) -> usize {
        self.state().count
    }

    pub(super) fn take_log(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.state().log)
    }

    /// Polls `work` once, in which no more than one call has its effect, also when several are under way in it.
    pub(super) fn poll_one<F: Future + ?Sized>(&self, work: Pin<&mut F>) -> Poll<F::Output> {
        self.state().turn = Some(true);
        let polled = work.poll(&mut Context::from_waker(Waker::noop()));
        self.state().turn = None;
        polled
    }

    /// Until it is this call's turn.
    async fn turn(&self) {
        poll_fn(|context| {
            if self.state().turn.as_mut().is_none_or(std::mem::take) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    /// Begins a call: suspended once, so that a test which polls by hand can do anything before its effect.
    pub(super) async fn enter(&self, call: &'static str) -> Result<Reply, PortError> {
        suspend_once().await;
        self.turn().await;
        let mut state = self.state();
        let chosen = state.fault.filter(|(at, _)| *at == state.count).map(|(_, fault)| fault).or(state.always);
        let fault = chosen.or_else(|| state.at_random.as_mut().and_then(|(rng, one_in)| random(rng, *one_in)));
        state.count += 1;
        state.log.push(call);
        match fault {
            Some(Fault::Before) => Err(PortError::new(call, "injected: no effect")),
            Some(Fault::Busy) => Err(PortError::busy(call, "injected: too much at once")),
            Some(Fault::After) => Ok(Reply { call, lost: true }),
            None => Ok(Reply { call, lost: false }),
        }
    }
}

fn random(rng: &mut Rng, one_in: u32) -> Option<Fault> {
    (rng.u32(..one_in) == 0).then(|| match rng.u8(..3) {
        0 => Fault::Before,
        1 => Fault::After,
        _ => Fault::Busy,
    })
}

impl Reply {
    /// What the caller hears.
    pub(super) fn leave<T>(self, result: T) -> Result<T, PortError> {
        if self.lost { Err(PortError::new(self.call, "injected: the reply is lost")) } else { Ok(result) }
    }
}

/// Gives whoever polls a turn in between.
pub async fn suspend_once() {
    let mut suspended = false;
    poll_fn(|context| {
        if suspended {
            return Poll::Ready(());
        }
        suspended = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
