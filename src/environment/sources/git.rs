//! Commits of repositories, kept as bundles: one file with the commit, its history and its tags.
//!
//! Format: `git-bundle(1)`. The commit's id tells its whole contents, so that whatever a remote
//! sends, the right files come or none.

use std::path::Path;

use crate::error::{Error, Result};
use crate::output::Printer;
use crate::process::Invocation;

/// The person's own git, which knows how repositories are reached.
#[derive(Debug, Clone, Default)]
pub struct Git {
    /// `user:password` in base64 for a repository's host, where netrc has one.
    pub authorization: Option<String>,
    /// A file with the certificates to trust.
    pub certificates: Option<std::path::PathBuf>,
    /// Proxies: `http_proxy`, `https_proxy`, `no_proxy`.
    pub proxies: Vec<(String, String)>,
    /// Whether git may ask on the terminal.
    pub may_ask: bool,
}

impl Git {
    /// The name of the reference that a commit has in its bundle.
    pub fn reference(commit: &str) -> String {
        format!("refs/envtpl/{commit}")
    }

    /// Writes a bundle of a commit to `bundle`, with its history and the tags in it, since some
    /// packages take their version from these. `scratch` is an empty directory.
    ///
    /// # Errors
    /// `Failed` when the repository cannot be reached or does not have the commit.
    pub fn fetch(
        &self,
        url: &str,
        commit: &str,
        (scratch, bundle): (&Path, &Path),
        printer: &Printer,
    ) -> Result<()> {
        self.begin(scratch, printer)?;
        let reference = Self::reference(commit);
        let exactly = format!("+{commit}:{reference}");
        let asked = self.talk(scratch, url, &[&exactly], printer);
        if let Err(error) = asked {
            // Some servers give only what has a name.
            self.talk(
                scratch,
                url,
                &["+refs/heads/*:refs/all/*", "+refs/tags/*:refs/tags/*"],
                printer,
            )
            .map_err(|_| error)?;
            let update = self.quiet(scratch).args(["update-ref", &reference, commit]);
            let set = update.capture(printer)?;
            if !set.status.success() {
                return Err(Error::failed(format!("{url} has no commit {commit}")).help(
                    "it was never pushed, or its branch was deleted: push it, or freeze another one",
                ));
            }
        }
        self.check(scratch, commit, printer)?;
        let create = self
            .quiet(scratch)
            .args(["bundle", "create", "--quiet"])
            .arg(bundle)
            .args([&reference, "--tags"]);
        create.read(printer).map(drop)
    }

    /// Whether a bundle holds a commit with all that belongs to it: git reads it whole.
    /// `scratch` is an empty directory.
    ///
    /// # Errors
    /// `Failed`, with git's words, when it does not.
    pub fn verify(
        &self,
        commit: &str,
        (scratch, bundle): (&Path, &Path),
        printer: &Printer,
    ) -> Result<()> {
        self.begin(scratch, printer)?;
        self.take(scratch, bundle, printer)?;
        self.check(scratch, commit, printer)
    }

    /// Puts several commits of one repository into one bundle.
    ///
    /// # Errors
    /// As [`Self::verify`].
    pub fn combine(
        &self,
        bundles: &[std::path::PathBuf],
        (scratch, bundle): (&Path, &Path),
        printer: &Printer,
    ) -> Result<()> {
        self.begin(scratch, printer)?;
        for one in bundles {
            self.take(scratch, one, printer)?;
        }
        let create = self
            .quiet(scratch)
            .args(["bundle", "create", "--quiet"])
            .arg(bundle)
            .arg("--all");
        create.read(printer).map(drop)
    }

    fn begin(&self, scratch: &Path, printer: &Printer) -> Result<()> {
        // Nothing of a template directory: that is where hooks come from.
        let init = self
            .command()
            .args(["init", "--quiet", "--bare", "--template=", "."])
            .directory(scratch);
        init.read(printer).map(drop)
    }

    fn take(&self, scratch: &Path, bundle: &Path, printer: &Printer) -> Result<()> {
        let fetch = self
            .quiet(scratch)
            .args(["fetch", "--quiet", "--no-tags", "--"])
            .arg(bundle)
            .args(["+refs/envtpl/*:refs/envtpl/*", "+refs/tags/*:refs/tags/*"]);
        fetch.read(printer).map(drop)
    }

    /// Whether the commit is what its reference leads to, complete to its first ancestor.
    fn check(&self, scratch: &Path, commit: &str, printer: &Printer) -> Result<()> {
        let reference = Self::reference(commit);
        let parse = format!("{reference}^{{commit}}");
        let found = self
            .quiet(scratch)
            .args(["rev-parse", "--verify", "--quiet", &parse]);
        let found = found.capture(printer)?.text();
        if found != commit {
            return Err(Error::failed(format!(
                "what came holds `{found}` and not {commit}"
            )));
        }
        let whole = self
            .quiet(scratch)
            .args(["rev-list", "--objects", "--quiet", &reference]);
        whole.read(printer).map(drop)
    }

    /// A fetch from a remote.
    fn talk(&self, scratch: &Path, url: &str, wanted: &[&str], printer: &Printer) -> Result<()> {
        let mut fetch = self
            .quiet(scratch)
            .args(["fetch", "--quiet", "--no-write-fetch-head", "--", url])
            .args(wanted);
        let mut settings = Vec::new();
        if let Some(authorization) = &self.authorization {
            // In the environment: a command line is for everybody to see.
            let value = format!("Authorization: Basic {authorization}");
            settings.push(("http.extraHeader".to_owned(), value));
        }
        fetch = fetch.secret_env("GIT_CONFIG_COUNT", settings.len().to_string());
        for (index, (key, value)) in settings.into_iter().enumerate() {
            fetch = fetch
                .secret_env(format!("GIT_CONFIG_KEY_{index}"), key)
                .secret_env(format!("GIT_CONFIG_VALUE_{index}"), value);
        }
        if let Some(path) = &self.certificates {
            fetch = fetch.env("GIT_SSL_CAINFO", path);
        }
        for (name, value) in &self.proxies {
            fetch = fetch.secret_env(name, value);
        }
        let finished = fetch.capture(printer)?;
        if finished.status.success() {
            return Ok(());
        }
        Err(Error::failed(format!("git cannot fetch from {url}"))
            .because(std::io::Error::other(finished.talk()))
            .help(format!("see whether `git ls-remote {url}` works")))
    }

    fn quiet(&self, scratch: &Path) -> Invocation {
        self.command().directory(scratch)
    }

    /// git without anything that a repository or a template could make it run.
    fn command(&self) -> Invocation {
        let mut command = Invocation::new("git")
            .args([
                "-c",
                "core.hooksPath=/dev/null",
                "-c",
                "core.fsmonitor=false",
            ])
            .args(["-c", "protocol.ext.allow=never", "-c", "gc.auto=0"])
            .args(["-c", "fetch.recurseSubmodules=false"])
            .env("GIT_TERMINAL_PROMPT", if self.may_ask { "1" } else { "0" });
        for name in [
            "GIT_DIR",
            "GIT_WORK_TREE",
            "GIT_INDEX_FILE",
            "GIT_OBJECT_DIRECTORY",
        ] {
            command = command.without_env(name);
        }
        command
    }
}
