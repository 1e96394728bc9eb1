//! Where a file can be had: where the lock says, and where the settings say that such files are.

use jiff::Span;
use jiff::civil::DateTime;

use crate::environment::sources::inventory::{Artefact, Kind};

/// Where channels are that are only named (conda's documentation, `channel_alias`).
const CHANNELS: &str = "https://conda.anaconda.org/";

/// How snapshot services name moments.
const MOMENT: &str = "%Y%m%dT%H%M%SZ";

/// Where the settings of a person say that packages are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mirrors {
    /// `PIP_INDEX_URL` and `PIP_EXTRA_INDEX_URL`.
    pub indexes: Vec<String>,
    /// `APT_MIRROR`.
    pub apt: Option<String>,
    /// `APT_SNAPSHOT`: an address with `@PATH@` for an archive's path and `@SNAPSHOTID@` for a
    /// moment.
    pub apt_snapshot: Option<String>,
    /// `CONDA_CHANNEL_ALIAS`.
    pub conda: Option<String>,
}

/// One place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The file's address.
    Address(String),
    /// The page of a package on an index, which tells the file's address.
    Page(String),
}

impl Mirrors {
    /// The places to try, in this order. Settings for conda and apt mean that packages come from
    /// there; an index may lack what another had, so it comes after the file's own address.
    pub fn places(&self, artefact: &Artefact) -> Vec<Place> {
        let url = &artefact.url;
        let own = Place::Address(url.clone());
        match artefact.kind {
            Kind::Python | Kind::Tool if is_package_file(&artefact.file) => {
                let pages = self.indexes.iter().map(|index| {
                    let index = index.trim_end_matches('/');
                    Place::Page(format!("{index}/{}/", artefact.package))
                });
                std::iter::once(own).chain(pages).collect()
            }
            Kind::Conda => {
                let rest = url.strip_prefix(CHANNELS);
                let mirrored = self.conda.as_deref().zip(rest).map(|(alias, rest)| {
                    Place::Address(format!("{}/{rest}", alias.trim_end_matches('/')))
                });
                mirrored.into_iter().chain([own]).collect()
            }
            Kind::AptBuild | Kind::AptRuntime | Kind::AptDev => {
                let rest = url
                    .split_once("://")
                    .and_then(|(_, rest)| rest.split_once('/'))
                    .filter(|(host, _)| is_distribution(host))
                    .map(|(_, path)| path);
                let mirrored = self.apt.as_deref().zip(rest).map(|(mirror, path)| {
                    Place::Address(format!("{}/{path}", mirror.trim_end_matches('/')))
                });
                // Many proxies pass http: on for nobody but browsers.
                let secured = rest.and_then(|_| url.strip_prefix("http://"));
                let secured = secured.map(|rest| Place::Address(format!("https://{rest}")));
                let snapshots = rest
                    .into_iter()
                    .flat_map(|rest| self.snapshots(artefact, rest));
                let snapshots = snapshots.map(Place::Address);
                let mirrored = mirrored.into_iter();
                mirrored
                    .chain([own])
                    .chain(secured)
                    .chain(snapshots)
                    .collect()
            }
            _ => vec![own],
        }
    }

    /// A snapshot service's addresses of what is below `debian/pool/…` of an archive. A service
    /// takes its picture some hours after the archive changed.
    fn snapshots(&self, artefact: &Artefact, below: &str) -> Vec<String> {
        let Some((archive, file)) = below.split_once("/pool/") else {
            return Vec::new();
        };
        let archive = match archive {
            "ubuntu-ports" => "ubuntu",
            archive => archive,
        };
        let default = match archive {
            "ubuntu" => "https://snapshot.ubuntu.com/@PATH@/@SNAPSHOTID@",
            _ => "https://snapshot.debian.org/archive/@PATH@/@SNAPSHOTID@",
        };
        let pattern = self.apt_snapshot.as_deref().unwrap_or(default);
        let moments = [6, 24, 0].into_iter().filter_map(|hours| {
            let moment = DateTime::strptime(MOMENT, &artefact.snapshot).ok()?;
            let moment = moment.checked_add(Span::new().hours(hours)).ok()?;
            Some(moment.strftime(MOMENT).to_string())
        });
        moments
            .map(|moment| {
                let root = pattern
                    .replace("@PATH@", archive)
                    .replace("@SNAPSHOTID@", &moment);
                format!("{}/pool/{file}", root.trim_end_matches('/'))
            })
            .collect()
    }
}

fn is_package_file(name: &str) -> bool {
    [".whl", ".tar.gz", ".zip", ".tar.bz2", ".tar.xz", ".tgz"]
        .iter()
        .any(|end| name.ends_with(end))
}

/// The hosts that `APT_MIRROR` stands for, as `build-steps/apt-settings.sh` has them.
fn is_distribution(host: &str) -> bool {
    matches!(host, "deb.debian.org" | "security.debian.org")
        || [
            "archive.ubuntu.com",
            "security.ubuntu.com",
            "ports.ubuntu.com",
        ]
        .iter()
        .any(|end| {
            host.strip_suffix(end)
                .is_some_and(|start| start.is_empty() || start.ends_with('.'))
        })
}

/// The address of a file that a page of an index lists, in either form of the simple API
/// (PEP 503 and PEP 691); `page` is the page's own address.
pub fn file_of_page(page: &str, text: &str, name: &str) -> Option<String> {
    let link = match serde_json::from_str::<serde_json::Value>(text) {
        Ok(json) => {
            let files = json.get("files")?.as_array()?;
            let file = files.iter().find(|file| file["filename"] == name)?;
            file["url"].as_str()?.to_owned()
        }
        Err(_) => text
            .split("href=")
            .skip(1)
            .filter_map(|rest| {
                let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
                rest[1..].split(quote).next()
            })
            .find(|link| {
                let path = link.split(['#', '?']).next().unwrap_or_default();
                let last = path.rsplit('/').next().unwrap_or_default();
                last == name || last.replace("%2B", "+").replace("%2b", "+") == name
            })?
            .replace("&amp;", "&"),
    };
    Some(joined(page, link.split('#').next().unwrap_or_default()))
}

/// A link of a page as an address (RFC 3986, section 5.2, as far as indexes use it).
fn joined(page: &str, link: &str) -> String {
    if link.contains("://") {
        return link.to_owned();
    }
    let (scheme, rest) = page.split_once("://").unwrap_or(("https", page));
    if let Some(link) = link.strip_prefix("//") {
        return format!("{scheme}://{link}");
    }
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut parts: Vec<&str> = match link.starts_with('/') {
        true => Vec::new(),
        false => path.split('/').collect(),
    };
    // The page itself, or nothing behind its last slash.
    parts.pop();
    for part in link.trim_start_matches('/').split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("{scheme}://{host}/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::sources::inventory::Digest;

    fn artefact(kind: Kind, url: &str) -> Artefact {
        Artefact {
            kind,
            package: "six".into(),
            version: "1".into(),
            file: url.rsplit('/').next().expect("a name").into(),
            url: url.into(),
            digest: Digest::Sha256("a".repeat(64)),
            size: None,
            snapshot: String::new(),
        }
    }

    #[test]
    fn an_archive_that_moved_on_has_its_snapshots() {
        let mut deb = artefact(
            Kind::AptDev,
            "http://archive.ubuntu.com/ubuntu/pool/j/jq_1.deb",
        );
        deb.snapshot = "20260102T230405Z".into();
        let mut mirrors = Mirrors::default();
        let default = "https://snapshot.ubuntu.com/ubuntu/20260103T050405Z/pool/j/jq_1.deb";
        let places = mirrors.places(&deb);
        assert_eq!(places.len(), 5);
        assert_eq!(places[2], Place::Address(default.into()));
        mirrors.apt_snapshot = Some("http://s/@SNAPSHOTID@/@PATH@/".into());
        let own = "http://s/20260102T230405Z/ubuntu/pool/j/jq_1.deb";
        assert_eq!(mirrors.places(&deb)[4], Place::Address(own.into()));
    }

    #[test]
    fn settings_say_where_else_a_file_is() {
        let mirrors = Mirrors {
            indexes: vec!["https://me:pw@i/simple/".into()],
            apt: Some("http://m/".into()),
            apt_snapshot: None,
            conda: Some("http://c/t/abc".into()),
        };
        let places = |kind, url: &str| -> Vec<String> {
            let places = mirrors.places(&artefact(kind, url)).into_iter();
            places
                .map(|place| match place {
                    Place::Address(address) => address,
                    Place::Page(page) => format!("page {page}"),
                })
                .collect()
        };
        let wheel = "https://files.pythonhosted.org/x/six-1-py3-none-any.whl";
        assert_eq!(
            places(Kind::Python, wheel),
            [wheel, "page https://me:pw@i/simple/six/"]
        );
        let installer = "https://github.com/x/micromamba";
        assert_eq!(places(Kind::Tool, installer), [installer]);
        let conda = "https://conda.anaconda.org/conda-forge/noarch/six-1-0.conda";
        assert_eq!(
            places(Kind::Conda, conda),
            ["http://c/t/abc/conda-forge/noarch/six-1-0.conda", conda]
        );
        let deb = "http://deb.debian.org/debian/pool/main/j/jq/jq_1.deb";
        assert_eq!(
            places(Kind::AptDev, deb),
            [
                "http://m/debian/pool/main/j/jq/jq_1.deb",
                deb,
                "https://deb.debian.org/debian/pool/main/j/jq/jq_1.deb"
            ]
        );
        let other = "http://packages.lab/debian/jq_1.deb";
        assert_eq!(places(Kind::AptDev, other), [other]);
    }

    #[test]
    fn a_file_is_found_on_both_forms_of_a_page() {
        let page = "https://i/simple/six/";
        let name = "six-1+cpu-py3-none-any.whl";
        let html = "<a href='../../f/six-1.tar.gz#sha256=0'>x</a>\n\
                    <a data-x=\"1\" href=\"../../f/six-1%2Bcpu-py3-none-any.whl?a=1&amp;b=2#sha256=1\">x</a>";
        let found = file_of_page(page, html, name);
        assert_eq!(
            found.as_deref(),
            Some("https://i/f/six-1%2Bcpu-py3-none-any.whl?a=1&b=2")
        );
        let json = format!(r#"{{"files":[{{"filename":"{name}","url":"/f/x"}}]}}"#);
        assert_eq!(
            file_of_page(page, &json, name).as_deref(),
            Some("https://i/f/x")
        );
        assert_eq!(file_of_page(page, html, "six-2.whl"), None);
        assert_eq!(joined(page, "six-1.whl"), "https://i/simple/six/six-1.whl");
        assert_eq!(joined(page, "//cdn/six-1.whl"), "https://cdn/six-1.whl");
    }
}
