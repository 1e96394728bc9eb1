//! What an image or an index of images consists of, byte for byte.

use std::fmt;

use crate::files;
use crate::network::{Body, Method};
use crate::registry::{Reason, Refusal, Session};

/// The longest manifest that is read (OCI distribution specification, "Pushing Manifests", asks
/// registries for at least 4 MiB).
const LONGEST: u64 = 16 << 20;

/// What a manifest describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaType {
    /// An image (OCI image specification 1.1).
    OciImage,
    /// Several (OCI image specification 1.1).
    OciIndex,
    /// An image (Docker's image manifest, version 2, schema 2).
    DockerImage,
    /// Several (Docker's manifest list).
    DockerList,
}

impl MediaType {
    /// All that are understood.
    pub const ALL: [Self; 4] = [
        Self::OciImage,
        Self::OciIndex,
        Self::DockerImage,
        Self::DockerList,
    ];

    /// As it is called in headers and descriptors.
    pub fn name(self) -> &'static str {
        match self {
            Self::OciImage => "application/vnd.oci.image.manifest.v1+json",
            Self::OciIndex => "application/vnd.oci.image.index.v1+json",
            Self::DockerImage => "application/vnd.docker.distribution.manifest.v2+json",
            Self::DockerList => "application/vnd.docker.distribution.manifest.list.v2+json",
        }
    }

    /// Reads a header's value, with or without parameters.
    pub fn parse(text: &str) -> Option<Self> {
        let name = text.split(';').next().unwrap_or_default().trim();
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// Whether it describes several images.
    pub fn is_index(self) -> bool {
        matches!(self, Self::OciIndex | Self::DockerList)
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A manifest as the registry has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// What it describes.
    pub media_type: MediaType,
    /// `sha256:…` of its bytes.
    pub digest: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Manifest {
    /// One with its digest.
    pub fn new(media_type: MediaType, bytes: Vec<u8>) -> Self {
        Self {
            media_type,
            digest: digest_of(&bytes),
            bytes,
        }
    }
}

/// `sha256:…` of some bytes.
pub fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", files::digest(bytes))
}

impl Session {
    /// The manifest of a tag or a digest; `None` when there is none.
    ///
    /// # Errors
    /// When the registry refuses, or gives something else than it was asked for.
    pub fn manifest(&self, reference: &str) -> Result<Option<Manifest>, Refusal> {
        let accepted = MediaType::ALL.map(MediaType::name).join(", ");
        let address = self.address(&format!("manifests/{reference}"));
        let headers = [("accept", accepted.as_str())];
        let reply = self.ask(Method::GET, &address, &headers, Body::None)?;
        match reply.status {
            200 => {}
            404 => return Ok(None),
            _ => return Err(self.refusal(reply)),
        }
        let said = reply.header("content-type").unwrap_or_default().to_owned();
        let Some(media_type) = MediaType::parse(&said) else {
            let said = format!("it gives `{said}` for `{reference}`, which is no image");
            return Err(Refusal::new(Reason::Other, said));
        };
        let manifest = Manifest::new(media_type, reply.bytes(LONGEST)?);
        if reference.starts_with("sha256:") && reference != manifest.digest {
            let said = format!("it gives {} for {reference}", manifest.digest);
            return Err(Refusal::new(Reason::Other, said));
        }
        Ok(Some(manifest))
    }

    /// The digest of what a tag stands for; `None` when there is no such tag.
    ///
    /// # Errors
    /// As [`Self::manifest`].
    pub fn digest(&self, tag: &str) -> Result<Option<String>, Refusal> {
        let accepted = MediaType::ALL.map(MediaType::name).join(", ");
        let address = self.address(&format!("manifests/{tag}"));
        let headers = [("accept", accepted.as_str())];
        let reply = self.ask(Method::HEAD, &address, &headers, Body::None)?;
        match (reply.status, reply.header("docker-content-digest")) {
            (200, Some(digest)) => Ok(Some(digest.to_owned())),
            // A registry need not say it.
            (200, None) => Ok(self.manifest(tag)?.map(|manifest| manifest.digest)),
            (404, _) => Ok(None),
            _ => Err(self.refusal(reply)),
        }
    }

    /// Gives the registry a manifest under a tag or under its own digest. What it refers to has to
    /// be there.
    ///
    /// # Errors
    /// When the registry refuses.
    pub fn put_manifest(&self, reference: &str, manifest: &Manifest) -> Result<(), Refusal> {
        let address = self.address(&format!("manifests/{reference}"));
        let headers = [("content-type", manifest.media_type.name())];
        let reply = self.ask(
            Method::PUT,
            &address,
            &headers,
            Body::Bytes(&manifest.bytes),
        )?;
        match reply.status {
            201 => Ok(()),
            _ => Err(self.refusal(reply)),
        }
    }
}
