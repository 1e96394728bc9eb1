//! What layers and packages weigh.

use serde::Serialize;

use super::share;
use super::steps::place;
use crate::commands::report::ImagePackages;
use crate::output::amount;
use crate::project::{Build, BuildImage, BuildLayer};

#[derive(Serialize)]
pub struct ImageView<'a> {
    name: &'a str,
    size: String,
    layers: Vec<LayerView<'a>>,
    packages: Vec<PackageView<'a>>,
    rest: Option<String>,
}

#[derive(Serialize)]
pub struct LayerView<'a> {
    made_by: &'a str,
    place: Option<String>,
    size: String,
    width: String,
    class: &'static str,
}

#[derive(Serialize)]
pub struct PackageView<'a> {
    kind: &'a str,
    name: &'a str,
    version: &'a str,
    size: String,
    width: String,
}

pub fn image_view<'a>(
    build: &Build,
    image: &'a BuildImage,
    packages: &'a [ImagePackages],
) -> ImageView<'a> {
    let heaviest = image.layers.iter().map(|layer| layer.bytes).max();
    let layers = image.layers.iter().rev();
    let found = packages.iter().find(|one| one.target == image.target);
    let listed = found.map_or(&[][..], |found| &found.packages);
    let weight = listed.first().map_or(0, |package| package.bytes);
    ImageView {
        name: image.tags.first().unwrap_or(&image.target),
        size: amount(image.size as f64),
        layers: layers
            .map(|layer| layer_view(build, layer, heaviest.unwrap_or(0)))
            .collect(),
        packages: listed
            .iter()
            .map(|package| PackageView {
                kind: &package.kind,
                name: &package.name,
                version: &package.version,
                size: amount(package.bytes as f64),
                width: format!("{:.1}", share(package.bytes as f64, weight as f64)),
            })
            .collect(),
        rest: found
            .filter(|found| found.rest > 0)
            .map(|found| amount(found.rest as f64)),
    }
}

fn layer_view<'a>(build: &Build, layer: &'a BuildLayer, heaviest: u64) -> LayerView<'a> {
    let step = layer.step;
    let step = step.and_then(|number| build.steps.iter().find(|step| step.number == number));
    LayerView {
        made_by: match layer.made_by.is_empty() {
            true => "the base image",
            false => &layer.made_by,
        },
        place: step.map(|step| place(build, step)),
        size: amount(layer.bytes as f64),
        width: format!("{:.1}", share(layer.bytes as f64, heaviest as f64)),
        class: if step.is_some() { "" } else { "base" },
    }
}
