//! Pixels are worked on off the async threads, and only so many at a time.
//!
//! What is made of them is decided in [`render`](crate::render).

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use coffeeshop_core::SOURCE_PIXELS_MAX;
use coffeeshop_core::ports::PortError;
use coffeeshop_core::renditions::RenditionSpecs;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::spawn_blocking;

use crate::photo::Renderer;
use crate::render::{Buffers, Header, Rejection, Rendered, Stages, inspect, render};

/// The most pixels that are worked on at once, in megapixels: one photo of the largest size, or several smaller ones.
///
/// The worst 100 megapixels are 16-bit RGBA: 800 MB decoded and 400 MB at 8 bits. With five originals of 50 MiB that
/// fits into the function's 2 GB.
const MEGAPIXELS_AT_ONCE: u64 = SOURCE_PIXELS_MAX / 1_000_000;

/// Renders on tokio's blocking threads.
#[derive(Debug)]
pub struct Pool {
    specs: Arc<RenditionSpecs>,
    megapixels: Semaphore,
    /// Of photos that are done, for the next.
    buffers: Arc<Mutex<Vec<Buffers>>>,
}

impl Pool {
    /// A pool that makes `specs`.
    pub fn new(specs: RenditionSpecs) -> Self {
        let permits = usize::try_from(MEGAPIXELS_AT_ONCE).unwrap_or(usize::MAX);
        Self { specs: Arc::new(specs), megapixels: Semaphore::new(permits), buffers: Arc::default() }
    }
}

impl Renderer for Pool {
    fn specs(&self) -> &RenditionSpecs {
        &self.specs
    }

    async fn render(&self, bytes: Bytes) -> Result<Result<(Header, Rendered), Rejection>, PortError> {
        let failed = |error| PortError::new("render", error);
        let mut stages = Stages::default();
        let source = bytes.clone();
        let inspecting = self.permits(of_bytes(&bytes)).await?;
        let inspected = spawn_blocking(move || (stages.time("inspect", || inspect(&source)), stages)).await;
        let (header, mut stages) = inspected.map_err(failed)?;
        drop(inspecting);
        let header = match header {
            Ok(header) => header,
            Err(rejection) => return Ok(Err(rejection)),
        };
        let _permits = self.permits(megapixels(&header).max(of_bytes(&bytes))).await?;
        let (specs, all) = (Arc::clone(&self.specs), Arc::clone(&self.buffers));
        let rendered = spawn_blocking(move || {
            let mut buffers = all.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
            let rendered = render(&bytes, &header, &specs, &mut buffers);
            all.lock().unwrap_or_else(PoisonError::into_inner).push(buffers);
            Ok((header, rendered?))
        });
        // A panic here is not a decoder's, which is caught: it is a bug, and the message comes again.
        let rendered = rendered.await.map_err(failed)?;
        Ok(rendered.map(|(header, mut rendered): (Header, Rendered)| {
            for (stage, time) in rendered.stages.iter() {
                stages.add(stage, time);
            }
            rendered.stages = stages;
            (header, rendered)
        }))
    }
}

impl Pool {
    async fn permits(&self, megapixels: u32) -> Result<SemaphorePermit<'_>, PortError> {
        self.megapixels.acquire_many(megapixels).await.map_err(|closed| PortError::new("render", closed))
    }
}

/// What the bytes alone count for, two a MiB, never more than there are permits: a file of nothing but small chunks of
/// metadata can take several times its size.
fn of_bytes(bytes: &Bytes) -> u32 {
    let half_mebibytes = (bytes.len() as u64).div_ceil(512 << 10);
    u32::try_from(half_mebibytes.clamp(1, MEGAPIXELS_AT_ONCE)).unwrap_or(u32::MAX)
}

/// Rounded up, and never more than there are permits.
fn megapixels(header: &Header) -> u32 {
    let (width, height) = header.stored;
    let pixels = u64::from(width) * u64::from(height);
    u32::try_from(pixels.div_ceil(1_000_000).min(MEGAPIXELS_AT_ONCE)).unwrap_or(u32::MAX)
}
