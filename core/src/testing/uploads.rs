//! A bucket in memory: uploads that nobody sees before they are complete, and what S3 refuses.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use bytes::{Bytes, BytesMut};

use super::calls::{Calls, Fault};
use crate::ports::{PART_BYTES_MIN, PortError, Served, Upload, UploadedPart, Uploads};

/// An object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadedObject {
    /// What is in it.
    pub body: Bytes,
    /// How it is handed out.
    pub served: Served,
}

/// A bucket in memory.
#[derive(Debug, Default)]
pub struct UploadWorld {
    calls: Calls,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    objects: BTreeMap<String, UploadedObject>,
    open: BTreeMap<String, Open>,
    begun: usize,
}

/// An upload that is neither complete nor given up.
#[derive(Debug)]
struct Open {
    key: String,
    served: Served,
    parts: BTreeMap<u32, (String, Bytes)>,
}

impl UploadWorld {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Every object that can be seen.
    pub fn objects(&self) -> BTreeMap<String, UploadedObject> {
        self.state().objects.clone()
    }

    /// The keys of uploads that are neither complete nor given up: what a lifecycle rule has to take away.
    pub fn open_uploads(&self) -> Vec<String> {
        self.state().open.values().map(|open| open.key.clone()).collect()
    }

    /// Makes the `call`-th call from now on (the first is 0) go wrong.
    pub fn fail(&self, call: usize, fault: Fault) {
        self.calls.fail(call, fault);
    }

    /// How many calls there were.
    pub fn calls(&self) -> usize {
        self.calls.count()
    }

    /// The calls since this was asked last.
    pub fn take_log(&self) -> Vec<&'static str> {
        self.calls.take_log()
    }

    async fn call<T>(
        &self,
        call: &'static str,
        effect: impl FnOnce(&mut State) -> Result<T, PortError>,
    ) -> Result<T, PortError> {
        let reply = self.calls.enter(call).await?;
        let result = effect(&mut self.state())?;
        reply.leave(result)
    }
}

fn refused(call: &'static str, why: &str) -> PortError {
    PortError::new(call, why.to_owned())
}

impl State {
    fn complete(&mut self, upload: &Upload, parts: &[UploadedPart]) -> Result<(), PortError> {
        const CALL: &str = "uploads.complete";
        let open = self.open.get(&upload.id).filter(|open| open.key == upload.key);
        let open = open.ok_or_else(|| refused(CALL, "NoSuchUpload"))?;
        let (mut body, mut last) = (BytesMut::new(), 0);
        for (i, part) in parts.iter().enumerate() {
            let there = open.parts.get(&part.number).filter(|(etag, _)| *etag == part.etag);
            let (_, bytes) = there.ok_or_else(|| refused(CALL, "InvalidPart"))?;
            if part.number <= last {
                return Err(refused(CALL, "InvalidPartOrder"));
            }
            if i + 1 < parts.len() && bytes.len() < PART_BYTES_MIN {
                return Err(refused(CALL, "EntityTooSmall"));
            }
            last = part.number;
            body.extend_from_slice(bytes);
        }
        if parts.is_empty() {
            return Err(refused(CALL, "MalformedXML"));
        }
        let object = UploadedObject { body: body.freeze(), served: open.served };
        self.objects.insert(upload.key.clone(), object);
        self.open.remove(&upload.id);
        Ok(())
    }
}

impl Uploads for UploadWorld {
    async fn begin(&self, key: &str, served: Served) -> Result<Upload, PortError> {
        self.call("uploads.begin", |state| {
            state.begun += 1;
            let upload = Upload { key: key.to_owned(), id: format!("upload-{}", state.begun) };
            state.open.insert(upload.id.clone(), Open { key: key.to_owned(), served, parts: BTreeMap::new() });
            Ok(upload)
        })
        .await
    }

    async fn put_part(&self, upload: &Upload, number: u32, body: Bytes) -> Result<UploadedPart, PortError> {
        const CALL: &str = "uploads.put_part";
        self.call(CALL, |state| {
            let open = state.open.get_mut(&upload.id).ok_or_else(|| refused(CALL, "NoSuchUpload"))?;
            let etag = format!("{}-{number}-{}", upload.id, body.len());
            open.parts.insert(number, (etag.clone(), body));
            Ok(UploadedPart { number, etag, checksum: None })
        })
        .await
    }

    async fn complete(&self, upload: &Upload, parts: &[UploadedPart]) -> Result<(), PortError> {
        self.call("uploads.complete", |state| state.complete(upload, parts)).await
    }

    async fn abort(&self, upload: &Upload) -> Result<(), PortError> {
        self.call("uploads.abort", |state| {
            state.open.remove(&upload.id);
            Ok(())
        })
        .await
    }

    async fn put(&self, key: &str, body: Bytes, served: Served) -> Result<(), PortError> {
        self.call("uploads.put", |state| {
            state.objects.insert(key.to_owned(), UploadedObject { body, served });
            Ok(())
        })
        .await
    }

    async fn keys(&self, prefix: &str) -> Result<Vec<String>, PortError> {
        self.call("uploads.keys", |state| {
            Ok(state.objects.keys().filter(|key| key.starts_with(prefix)).cloned().collect())
        })
        .await
    }

    async fn read(&self, key: &str) -> Result<Option<Bytes>, PortError> {
        self.call("uploads.read", |state| Ok(state.objects.get(key).map(|object| object.body.clone()))).await
    }

    async fn remove(&self, key: &str) -> Result<(), PortError> {
        self.call("uploads.remove", |state| {
            state.objects.remove(key);
            Ok(())
        })
        .await
    }
}
