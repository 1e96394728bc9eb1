//! The bill as CycloneDX 1.6 writes it (ECMA-424, <https://cyclonedx.org/docs/1.6/json/>), in JSON.

use serde_json::{Map, Value, json};

use crate::environment::sbom::licence::Licence;
use crate::environment::sbom::{Bill, Kind, Package, TOOL, TOOL_VERSION, purl, uuid_of};
use crate::installation::pin;

const IMAGE: &str = "image";

/// The whole document.
pub fn document(bill: &Bill) -> Value {
    let components: Vec<Value> = system(bill)
        .into_iter()
        .chain(bill.packages.iter().map(component))
        .collect();
    let mut document = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": "",
        "version": 1,
        "metadata": {
            "timestamp": bill.image.created,
            "lifecycles": [{"phase": "post-build"}],
            "tools": {
                "components": [
                    {"type": "application", "name": TOOL, "version": TOOL_VERSION},
                ],
            },
            "component": image(bill),
        },
        "components": components,
        "dependencies": dependencies(bill),
    });
    let serial = format!("urn:uuid:{}", uuid_of(&document.to_string()));
    document["serialNumber"] = Value::String(serial);
    document
}

fn image(bill: &Bill) -> Value {
    let image = &bill.image;
    let mut value = plain("container", IMAGE, &image.name, &image.id);
    let pinned = image.pinned.as_deref();
    if let Some(url) = pinned.and_then(|pinned| purl::oci(pinned, &image.name, &image.architecture))
    {
        value.insert("purl".into(), json!(url));
    }
    let mut pedigree = Map::new();
    if let Some(base) = base(bill) {
        pedigree.insert("ancestors".into(), json!([base]));
    }
    if !image.revision.is_empty() {
        let mut commit = json!({"uid": image.revision});
        if !image.source.is_empty() {
            commit["url"] = json!(image.source);
        }
        pedigree.insert("commits".into(), json!([commit]));
    }
    if !pedigree.is_empty() {
        value.insert("pedigree".into(), Value::Object(pedigree));
    }
    value.insert(
        "properties".into(),
        json!([{"name": "envtpl:architecture", "value": image.architecture}]),
    );
    Value::Object(value)
}

fn base(bill: &Bill) -> Option<Value> {
    let base = bill.image.base.as_ref()?;
    let digest = base.digest.as_deref().unwrap_or_default();
    let mut value = plain("container", "base-image", &base.name, digest);
    let pinned = pin::join(&base.name, digest);
    if !digest.is_empty()
        && let Some(url) = purl::oci(&pinned, &base.name, &bill.image.architecture)
    {
        value.insert("purl".into(), json!(url));
    }
    Some(Value::Object(value))
}

fn system(bill: &Bill) -> Option<Value> {
    let os = &bill.os;
    let value = plain(
        "operating-system",
        "operating-system",
        &os.id,
        &os.version_id,
    );
    (!os.id.is_empty()).then_some(Value::Object(value))
}

fn plain(kind: &str, reference: &str, name: &str, version: &str) -> Map<String, Value> {
    let mut value = Map::new();
    value.insert("type".into(), json!(kind));
    value.insert("bom-ref".into(), json!(reference));
    value.insert("name".into(), json!(name));
    if !version.is_empty() {
        value.insert("version".into(), json!(version));
    }
    value
}

fn component(package: &Package) -> Value {
    let kind = match package.kind {
        Kind::Interpreter => "application",
        Kind::Apt | Kind::Conda | Kind::Python => "library",
    };
    let mut value = plain(kind, &package.purl, &package.name, &package.version);
    let digests = [
        ("SHA-256", &package.artefact.sha256),
        ("MD5", &package.artefact.md5),
    ];
    let hashes: Vec<Value> = digests
        .iter()
        .filter_map(|(algorithm, value)| {
            let value = value.as_ref()?;
            Some(json!({"alg": algorithm, "content": value}))
        })
        .collect();
    if !hashes.is_empty() {
        value.insert("hashes".into(), Value::Array(hashes));
    }
    if let Some(licences) = licences(&package.licence) {
        value.insert("licenses".into(), licences);
    }
    value.insert("purl".into(), json!(package.purl));
    if let Some(url) = &package.artefact.url {
        let reference = json!([{"type": "distribution", "url": url}]);
        value.insert("externalReferences".into(), reference);
    }
    let from = match (package.base, package.requested) {
        (true, _) => "base image",
        (false, true) => "asked for",
        (false, false) => "dependency",
    };
    value.insert(
        "properties".into(),
        json!([
            {"name": "envtpl:kind", "value": package.kind.name()},
            {"name": "envtpl:from", "value": from},
        ]),
    );
    Value::Object(value)
}

fn licences(licence: &Licence) -> Option<Value> {
    let declared = |mut licence: Value| {
        licence["acknowledgement"] = json!("declared");
        licence
    };
    Some(match licence {
        Licence::Unknown => return None,
        Licence::Listed(id) => json!([{"license": declared(json!({"id": id}))}]),
        Licence::Expression(text) => json!([declared(json!({"expression": text}))]),
        Licence::Words(words) => {
            let name = words.lines().next().unwrap_or_default().trim();
            let mut licence = json!({"name": name});
            if name != words {
                licence["text"] = json!({"content": words});
            }
            json!([{"license": declared(licence)}])
        }
    })
}

/// Packages that nothing of the image needs are what the image itself is made of.
fn dependencies(bill: &Bill) -> Vec<Value> {
    let needed: std::collections::BTreeSet<&str> = (bill.packages.iter())
        .flat_map(|package| package.needs.iter().map(String::as_str))
        .collect();
    let own: Vec<&str> = (bill.packages.iter())
        .map(|package| package.purl.as_str())
        .filter(|purl| !needed.contains(purl))
        .collect();
    let of_packages = bill
        .packages
        .iter()
        .map(|package| json!({"ref": package.purl, "dependsOn": package.needs}));
    std::iter::once(json!({"ref": IMAGE, "dependsOn": own}))
        .chain(of_packages)
        .collect()
}
