//! Names of packages that other tools understand: package URLs.
//!
//! Format: <https://github.com/package-url/purl-spec>, its types `deb`, `pypi`, `conda`, `oci` and
//! `generic`.

use packageurl::PackageUrl;

use crate::environment::sbom::notes::{AptNote, CondaNote};
use crate::environment::snapshot::{AptPackage, CondaPackage, Distribution, Os};
use crate::installation::identity::split_tag;

/// The package URL of a system package. `upstream` is the source package: scanners look for it,
/// since Debian's and Ubuntu's advisories are about sources.
pub fn deb(package: &AptPackage, note: Option<&AptNote>, os: &Os) -> Option<String> {
    let upstream = note.map(|note| {
        let other_version = note.source_version != package.version;
        match (note.source == package.name, other_version) {
            (true, false) => String::new(),
            (_, true) => format!("{}@{}", note.source, note.source_version),
            (false, false) => note.source.clone(),
        }
    });
    let distro = match os.version_id.as_str() {
        "" => os.codename.clone(),
        version => format!("{}-{version}", os.id),
    };
    let qualifiers = [
        ("arch", package.architecture.as_str()),
        ("distro", &distro),
        ("upstream", upstream.as_deref().unwrap_or_default()),
    ];
    written("deb", &os.id, &package.name, &package.version, &qualifiers)
}

/// The package URL of a Python package.
pub fn pypi(package: &Distribution) -> Option<String> {
    written("pypi", "", &package.key(), &package.version, &[])
}

/// The package URL of a conda package.
pub fn conda(package: &CondaPackage, note: Option<&CondaNote>) -> Option<String> {
    let kind = note.map(|note| match note.file.rsplit_once(".conda") {
        Some((_, "")) => "conda",
        _ if note.file.ends_with(".tar.bz2") => "tar.bz2",
        _ => "",
    });
    // A record may have the whole address; the channel is its last part.
    let channel = package.channel.trim_end_matches('/');
    let subdir = note.map_or("", |note| &note.subdir);
    let channel = channel.strip_suffix(subdir).unwrap_or(channel);
    let channel = channel.trim_end_matches('/').rsplit('/').next();
    let qualifiers = [
        ("build", package.build.as_str()),
        ("channel", channel.unwrap_or_default()),
        ("subdir", subdir),
        ("type", kind.unwrap_or_default()),
    ];
    written("conda", "", &package.name, &package.version, &qualifiers)
}

/// The package URL of a Python that no package database lists.
pub fn python(version: &str) -> Option<String> {
    written("generic", "", "python", version, &[])
}

/// The package URL of an image, by the name under which a registry knows its digest
/// (`registry/name@sha256:…`).
pub fn oci(pinned: &str, reference: &str, architecture: &str) -> Option<String> {
    let (repository, digest) = pinned.split_once('@')?;
    let name = repository.rsplit('/').next()?.to_lowercase();
    let (named, tag) = split_tag(reference);
    let tag = tag.filter(|_| named == repository).unwrap_or_default();
    let qualifiers = [
        ("arch", architecture),
        ("repository_url", repository),
        ("tag", tag),
    ];
    written("oci", "", &name, digest, &qualifiers)
}

/// `None` for what cannot be written as one: it lacks a name.
fn written(
    kind: &str,
    namespace: &str,
    name: &str,
    version: &str,
    qualifiers: &[(&str, &str)],
) -> Option<String> {
    let mut url = PackageUrl::new(kind, name).ok()?;
    if !namespace.is_empty() {
        url.with_namespace(namespace).ok()?;
    }
    if !version.is_empty() {
        url.with_version(version).ok()?;
    }
    for (key, value) in qualifiers.iter().filter(|(_, value)| !value.is_empty()) {
        url.add_qualifier(*key, *value).ok()?;
    }
    Some(url.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_packages_name_distribution_and_source() {
        let os = Os {
            id: "debian".into(),
            version_id: "12".into(),
            codename: "bookworm".into(),
        };
        let package = AptPackage {
            name: "libstdc++6".into(),
            version: "12.2.0-14+deb12u1".into(),
            architecture: "amd64".into(),
            ..AptPackage::default()
        };
        let note = |source: &str, version: &str| AptNote {
            source: source.into(),
            source_version: version.into(),
            ..AptNote::default()
        };
        let plain = "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1?arch=amd64&distro=debian-12";
        for (note, more) in [
            (None, ""),
            (Some(note("libstdc++6", "12.2.0-14+deb12u1")), ""),
            (
                Some(note("gcc-12", "12.2.0-14+deb12u1")),
                "&upstream=gcc-12",
            ),
            (Some(note("gcc-12", "12.2")), "&upstream=gcc-12%4012.2"),
        ] {
            let expected = format!("{plain}{more}");
            assert_eq!(deb(&package, note.as_ref(), &os), Some(expected));
        }
        assert_eq!(deb(&AptPackage::default(), None, &os), None);
    }

    #[test]
    fn other_packages_are_named_as_their_ecosystems_do() {
        let package = Distribution {
            name: "Foo_Bar".into(),
            version: "1.0+cu121".into(),
            ..Distribution::default()
        };
        assert_eq!(
            pypi(&package).as_deref(),
            Some("pkg:pypi/foo-bar@1.0%2Bcu121")
        );
        let package = CondaPackage {
            name: "absl-py".into(),
            version: "0.4.1".into(),
            build: "py36_0".into(),
            channel: "https://repo.example/t/conda-forge/linux-64".into(),
            ..CondaPackage::default()
        };
        let note: CondaNote = serde_json::from_str(
            r#"{"subdir": "linux-64", "file": "absl-py-0.4.1-py36_0.tar.bz2"}"#,
        )
        .expect("read");
        assert_eq!(
            conda(&package, Some(&note)).as_deref(),
            Some(
                "pkg:conda/absl-py@0.4.1?build=py36_0&channel=conda-forge&subdir=linux-64&type=tar.bz2"
            )
        );
        assert_eq!(
            python("3.12.1").as_deref(),
            Some("pkg:generic/python@3.12.1")
        );
    }

    #[test]
    fn an_image_is_named_by_the_digest_of_its_registry() {
        let pinned = "registry.example:5000/lab/P@sha256:ab";
        assert_eq!(
            oci(pinned, "registry.example:5000/lab/P:run", "amd64").as_deref(),
            Some(
                "pkg:oci/p@sha256:ab?arch=amd64&repository_url=registry.example:5000%2Flab%2FP&tag=run"
            )
        );
    }
}
