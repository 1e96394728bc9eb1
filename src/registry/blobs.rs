//! The parts of images: layers and configurations, by their digests.

use std::io::Read;

use crate::network::{Body, Method, Reply};
use crate::registry::{Reason, Refusal, Session};

impl Session {
    /// Whether the repository has a blob.
    ///
    /// # Errors
    /// When the registry refuses.
    pub fn has_blob(&self, digest: &str) -> Result<bool, Refusal> {
        let address = self.address(&format!("blobs/{digest}"));
        let reply = self.ask(Method::HEAD, &address, &[], Body::None)?;
        match reply.status {
            200 => Ok(true),
            404 => Ok(false),
            _ => Err(self.refusal(reply)),
        }
    }

    /// A blob from a place in it on. Whoever reads it checks its digest. The answer's status is 206
    /// when it begins there, and 200 when the registry sends all.
    ///
    /// # Errors
    /// When the registry refuses, or has no such blob.
    pub fn blob(&self, digest: &str, from: u64) -> Result<Reply, Refusal> {
        let address = self.address(&format!("blobs/{digest}"));
        let range = format!("bytes={from}-");
        let headers = [("range", range.as_str())];
        let headers = if from > 0 { &headers[..] } else { &[] };
        let reply = self.ask(Method::GET, &address, headers, Body::None)?;
        match reply.status {
            200 | 206 => Ok(reply),
            _ => Err(self.refusal(reply)),
        }
    }

    /// Gives the repository a blob of so many bytes, in one go; the registry checks the digest.
    ///
    /// # Errors
    /// When the registry refuses, or the connection breaks.
    pub fn put_blob(
        &self,
        digest: &str,
        length: u64,
        content: &mut (dyn Read + Send),
    ) -> Result<(), Refusal> {
        let begun = self.begin_upload()?;
        let separator = if begun.contains('?') { '&' } else { '?' };
        let address = format!("{begun}{separator}digest={digest}");
        let headers = [("content-type", "application/octet-stream")];
        let body = Body::Stream(content, length);
        let reply = self.ask(Method::PUT, &address, &headers, body)?;
        match reply.status {
            201 => Ok(()),
            _ => Err(self.refusal(reply)),
        }
    }

    /// Has the repository take over a blob of another one of the same registry, if it does that.
    ///
    /// # Errors
    /// When the registry refuses altogether.
    pub fn take_over(&self, digest: &str, from: &str) -> Result<bool, Refusal> {
        let address = self.address(&format!("blobs/uploads/?mount={digest}&from={from}"));
        let reply = self.ask(Method::POST, &address, &[], Body::None)?;
        match reply.status {
            201 => Ok(true),
            // It began an upload instead.
            202 => {
                if let Some(begun) = reply.header("location").map(|at| self.absolute(at)) {
                    drop(self.ask(Method::DELETE, &begun, &[], Body::None));
                }
                Ok(false)
            }
            _ => Err(self.refusal(reply)),
        }
    }

    /// Begins an upload, and gives its address.
    pub(super) fn begin_upload(&self) -> Result<String, Refusal> {
        let address = self.address("blobs/uploads/");
        let reply = self.ask(Method::POST, &address, &[], Body::None)?;
        match (reply.status, reply.header("location")) {
            (202, Some(location)) => Ok(self.absolute(location)),
            (202, None) => Err(Refusal::new(Reason::Other, "it begins an upload nowhere")),
            _ => Err(self.refusal(reply)),
        }
    }
}
