//! The bill as SPDX 2.3 writes it (<https://spdx.github.io/spdx-spec/v2.3/>), in JSON.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::environment::sbom::licence::Licence;
use crate::environment::sbom::{Bill, Kind, Package, TOOL, TOOL_VERSION, purl, uuid_of};
use crate::files::digest;
use crate::installation::pin;

const DOCUMENT: &str = "SPDXRef-DOCUMENT";
const IMAGE: &str = "SPDXRef-Image";
const BASE: &str = "SPDXRef-BaseImage";
const SYSTEM: &str = "SPDXRef-OperatingSystem";
const NOTHING_SAID: &str = "NOASSERTION";

/// The whole document.
pub fn document(bill: &Bill) -> Value {
    let packages = &bill.packages;
    let own: Vec<Value> = packages.iter().map(package).collect();
    let texts: BTreeMap<String, &str> = packages.iter().filter_map(reference_and_words).collect();
    let texts = texts.iter().map(|(reference, words)| {
        json!({
            "licenseId": reference,
            "name": words.lines().next().unwrap_or_default().trim(),
            "extractedText": words,
        })
    });
    let mut all = vec![image(bill)];
    all.extend(base(bill));
    all.extend(system(bill));
    all.extend(own);
    let mut document = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": DOCUMENT,
        "name": bill.image.name,
        "documentNamespace": "",
        "creationInfo": {
            "created": bill.image.created,
            "creators": [format!("Tool: {TOOL}-{TOOL_VERSION}")],
        },
        "packages": all,
        "relationships": relationships(bill),
        "hasExtractedLicensingInfos": texts.collect::<Vec<_>>(),
    });
    // A namespace need not be an address at which there is something; it has to be nobody else's.
    let namespace = format!(
        "https://spdx.org/spdxdocs/{TOOL}-{}",
        uuid_of(&document.to_string())
    );
    document["documentNamespace"] = Value::String(namespace);
    document
}

fn image(bill: &Bill) -> Value {
    let image = &bill.image;
    let mut value = plain(IMAGE, &image.name, "CONTAINER");
    value.insert("versionInfo".into(), json!(image.id));
    if let Some(hash) = image.id.strip_prefix("sha256:") {
        let checksum = json!([{"algorithm": "SHA256", "checksumValue": hash}]);
        value.insert("checksums".into(), checksum);
    }
    let pinned = image.pinned.as_deref();
    if let Some(url) = pinned.and_then(|pinned| purl::oci(pinned, &image.name, &image.architecture))
    {
        value.insert("externalRefs".into(), external(&url));
    }
    let built = match (image.revision.as_str(), image.source.as_str()) {
        ("", _) => None,
        (revision, "") => Some(format!("built from commit {revision}")),
        (revision, source) => Some(format!("built from commit {revision} of {source}")),
    };
    if let Some(built) = built {
        value.insert("sourceInfo".into(), json!(built));
    }
    Value::Object(value)
}

fn base(bill: &Bill) -> Option<Value> {
    let base = bill.image.base.as_ref()?;
    let mut value = plain(BASE, &base.name, "CONTAINER");
    if let Some(digest) = &base.digest {
        value.insert("versionInfo".into(), json!(digest));
        let pinned = pin::join(&base.name, digest);
        if let Some(url) = purl::oci(&pinned, &base.name, &bill.image.architecture) {
            value.insert("externalRefs".into(), external(&url));
        }
    }
    Some(Value::Object(value))
}

fn system(bill: &Bill) -> Option<Value> {
    let os = &bill.os;
    if os.id.is_empty() {
        return None;
    }
    let mut value = plain(SYSTEM, &os.id, "OPERATING-SYSTEM");
    if !os.version_id.is_empty() {
        value.insert("versionInfo".into(), json!(os.version_id));
    }
    Some(Value::Object(value))
}

/// What every package has. Files are not listed.
fn plain(id: &str, name: &str, purpose: &str) -> Map<String, Value> {
    let mut value = Map::new();
    value.insert("SPDXID".into(), json!(id));
    value.insert("name".into(), json!(name));
    value.insert("downloadLocation".into(), json!(NOTHING_SAID));
    value.insert("filesAnalyzed".into(), json!(false));
    value.insert("primaryPackagePurpose".into(), json!(purpose));
    value
}

fn package(package: &Package) -> Value {
    let purpose = match package.kind {
        Kind::Interpreter => "APPLICATION",
        Kind::Apt | Kind::Conda | Kind::Python => "LIBRARY",
    };
    let mut value = plain(&id(package), &package.name, purpose);
    value.insert("versionInfo".into(), json!(package.version));
    if let Some(url) = &package.artefact.url {
        value.insert("downloadLocation".into(), json!(url));
    }
    let digests = [
        ("SHA256", &package.artefact.sha256),
        ("MD5", &package.artefact.md5),
    ];
    let checksums: Vec<Value> = digests
        .iter()
        .filter_map(|(algorithm, value)| {
            let value = value.as_ref()?;
            Some(json!({"algorithm": algorithm, "checksumValue": value}))
        })
        .collect();
    if !checksums.is_empty() {
        value.insert("checksums".into(), Value::Array(checksums));
    }
    value.insert("licenseConcluded".into(), json!(NOTHING_SAID));
    let declared = match &package.licence {
        Licence::Unknown => NOTHING_SAID.to_owned(),
        Licence::Listed(text) | Licence::Expression(text) => text.clone(),
        Licence::Words(words) => reference(words),
    };
    value.insert("licenseDeclared".into(), json!(declared));
    value.insert("copyrightText".into(), json!(NOTHING_SAID));
    if package.base {
        value.insert("comment".into(), json!("from the base image"));
    }
    value.insert("externalRefs".into(), external(&package.purl));
    Value::Object(value)
}

fn external(purl: &str) -> Value {
    json!([{
        "referenceCategory": "PACKAGE-MANAGER",
        "referenceType": "purl",
        "referenceLocator": purl,
    }])
}

fn relationships(bill: &Bill) -> Vec<Value> {
    let relation = |from: &str, kind: &str, to: &str| {
        json!({
            "spdxElementId": from,
            "relationshipType": kind,
            "relatedSpdxElement": to,
        })
    };
    let mut all = vec![relation(DOCUMENT, "DESCRIBES", IMAGE)];
    if bill.image.base.is_some() {
        all.push(relation(IMAGE, "DESCENDANT_OF", BASE));
    }
    if !bill.os.id.is_empty() {
        all.push(relation(IMAGE, "CONTAINS", SYSTEM));
    }
    let ids: BTreeMap<&str, String> = (bill.packages.iter())
        .map(|package| (package.purl.as_str(), id(package)))
        .collect();
    for package in &bill.packages {
        let own = &ids[package.purl.as_str()];
        all.push(relation(IMAGE, "CONTAINS", own));
        let needs = package.needs.iter();
        let needs = needs.filter_map(|purl| ids.get(purl.as_str()));
        all.extend(needs.map(|need| relation(own, "DEPENDS_ON", need)));
    }
    all
}

/// An identifier in this document: the name for people, and what keeps it apart from others.
fn id(package: &Package) -> String {
    let hash = digest(package.purl.as_bytes());
    let (kind, name) = (package.kind.name(), plain_characters(&package.name));
    format!("SPDXRef-{kind}-{name}-{}", &hash[..12])
}

/// What stands for a text that is on no list.
fn reference(words: &str) -> String {
    format!("LicenseRef-{}", &digest(words.as_bytes())[..16])
}

fn reference_and_words(package: &Package) -> Option<(String, &str)> {
    match &package.licence {
        Licence::Words(words) => Some((reference(words), words)),
        _ => None,
    }
}

/// An identifier may have letters, digits, points and hyphens.
fn plain_characters(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    let characters = name.chars().map(|c| if plain(c) { c } else { '-' });
    characters.collect()
}
