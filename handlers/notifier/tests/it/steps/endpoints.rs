//! Webhooks in memory: each answers as it was told, and notes what it got.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use coffeeshop_core::testing::{NotificationWorld, suspend_once};
use coffeeshop_notifier::webhook::client::{Answer, CALL_MAX, Message, Post, RetryAfter};
use coffeeshop_notifier::webhook::target::{Allow, Refused, Target};

use jiff::SignedDuration;

/// How a webhook answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// With this status, always.
    Status(u16),
    /// So often with a status, and then with 200.
    Recovers { status: u16, after: usize },
    /// With 429, once, and the wish to be left alone for so many seconds; then with 200.
    Busy { seconds: u64 },
    /// Its name leads to an address that is not public.
    NotPublic,
    /// Nobody answers.
    Unreachable,
    /// A connection is made, and nothing ever comes of it.
    Hangs,
}

/// What a webhook got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) message: Message,
    pub(crate) status: Option<u16>,
}

/// All webhooks, by their hosts.
#[derive(Debug, Default)]
pub(crate) struct Endpoints {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    behaviours: BTreeMap<String, Behaviour>,
    calls: BTreeMap<String, Vec<Call>>,
    within: BTreeMap<String, Duration>,
    /// Whose time a call takes up, all that it may.
    slow: Option<Arc<NotificationWorld>>,
    /// Host and id of the calls that somebody waits for.
    under_way: Vec<(String, String)>,
    twice_at_once: Vec<String>,
}

/// Somebody waits for the answer of a call, until this is dropped.
struct UnderWay<'a> {
    endpoints: &'a Endpoints,
    call: (String, String),
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.endpoints.state().under_way.retain(|call| *call != self.call);
    }
}

pub(crate) fn url(host: &str) -> String {
    format!("https://{host}/hook?key=not-to-be-logged")
}

impl Endpoints {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Has a webhook answer so.
    pub(crate) fn set(&self, host: &str, behaviour: Behaviour) {
        self.state().behaviours.insert(host.to_owned(), behaviour);
    }

    /// How a webhook answers.
    pub(crate) fn behaviour(&self, host: &str) -> Behaviour {
        self.state().behaviours[host]
    }

    /// What a webhook got.
    pub(crate) fn calls(&self, host: &str) -> Vec<Call> {
        self.state().calls.get(host).cloned().unwrap_or_default()
    }

    /// Has each call take all the time that it may.
    pub(crate) fn take_all_their_time(&self, world: &Arc<NotificationWorld>) {
        self.state().slow = Some(Arc::clone(world));
    }

    /// How long the last call of a webhook was allowed to take.
    pub(crate) fn within(&self, host: &str) -> Duration {
        self.state().within[host]
    }

    /// Calls of one webhook with one id that were made while another was under way.
    pub(crate) fn twice_at_once(&self) -> Vec<String> {
        self.state().twice_at_once.clone()
    }

    fn host_of(&self, target: &Target) -> String {
        let is_it = |host: &&String| Target::parse(&url(host), &Allow::default()).as_ref() == Ok(target);
        self.state().behaviours.keys().find(is_it).unwrap().clone()
    }
}

impl Post for Endpoints {
    async fn post(&self, target: &Target, message: &Message, within: Duration) -> Answer {
        let host = self.host_of(target);
        self.state().within.insert(host.clone(), within);
        if let Some(world) = &self.state().slow {
            world.advance(SignedDuration::try_from(within.min(CALL_MAX)).unwrap());
        }
        let call = (host.clone(), message.id.clone());
        {
            let mut state = self.state();
            if state.under_way.contains(&call) {
                state.twice_at_once.push(format!("{call:?}"));
            }
            state.under_way.push(call.clone());
        }
        let _under_way = UnderWay { endpoints: self, call };
        suspend_once().await;
        let (answer, hangs) = {
            let mut state = self.state();
            let behaviour = state.behaviours[&host];
            let calls = state.calls.entry(host).or_default();
            let made = calls.iter().filter(|call| call.message.id == message.id).count();
            let status = |status| Answer::Status { status, retry_after: None, excerpt: "said the webhook".to_owned() };
            let answer = match behaviour {
                Behaviour::Status(code) => status(code),
                Behaviour::Recovers { status: code, after } if made < after => status(code),
                Behaviour::Busy { seconds } if made == 0 => Answer::Status {
                    status: 429,
                    retry_after: Some(RetryAfter::In(Duration::from_secs(seconds))),
                    excerpt: String::new(),
                },
                Behaviour::Recovers { .. } | Behaviour::Busy { .. } => status(200),
                Behaviour::NotPublic => Answer::Refused(Refused::Address { address: [10, 0, 0, 1].into() }),
                Behaviour::Unreachable | Behaviour::Hangs => Answer::Unreachable("connection refused".to_owned()),
            };
            let code = if let Answer::Status { status, .. } = answer { Some(status) } else { None };
            calls.push(Call { message: message.clone(), status: code });
            (answer, behaviour == Behaviour::Hangs)
        };
        if hangs {
            pending::<()>().await;
        }
        suspend_once().await;
        answer
    }
}
