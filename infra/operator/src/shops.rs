//! The same work on one shop after the other, or on all of them, some side by side.
//!
//! What the work is, is not known here.

use coffeeshop_core::ids::ShopId;
use coffeeshop_core::ports::{PortError, ShopRecords};
use futures::stream::{self, StreamExt as _};

/// How many shops are listed at once: a few megabytes. Each list costs a look at every key of three tables.
const LISTED_MAX: usize = 50_000;

/// How many shops are worked on side by side.
pub const SHOPS_AT_ONCE: usize = 8;

/// The work stopped before its end.
#[derive(Debug, thiserror::Error)]
#[error("stopped{}", after(last.as_ref()))]
pub struct Stopped {
    /// The last shop in order of which all before are done, itself included; `None`: there is none.
    pub last: Option<ShopId>,
    /// Why.
    #[source]
    pub error: PortError,
}

fn after(last: Option<&ShopId>) -> String {
    last.map(|last| format!(" after the shop {last}")).unwrap_or_default()
}

/// Works on every shop above `after`, in order of their ids. `done` hears of each in this order, of how many were listed by
/// then, and what became of it.
pub async fn all<S: ShopRecords, T>(
    store: &S,
    after: Option<ShopId>,
    work: impl AsyncFn(&ShopId) -> Result<T, PortError>,
    mut done: impl FnMut(&ShopId, T, usize),
) -> Result<(), Stopped> {
    let (mut last, mut listed) = (after, 0);
    loop {
        let shops = match store.shops(last.as_ref(), LISTED_MAX).await {
            Ok(shops) => shops,
            Err(error) => return Err(Stopped { last, error }),
        };
        listed += shops.len();
        let more = shops.len() == LISTED_MAX;
        let one = async |shop: ShopId| {
            let result = work(&shop).await;
            (shop, result)
        };
        let mut results = std::pin::pin!(stream::iter(shops).map(one).buffered(SHOPS_AT_ONCE));
        while let Some((shop, result)) = results.next().await {
            match result {
                Ok(result) => done(&shop, result, listed),
                Err(error) => return Err(Stopped { last, error }),
            }
            last = Some(shop);
        }
        if !more {
            return Ok(());
        }
    }
}
