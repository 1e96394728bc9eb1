//! What `amd-smi` and the older `rocm-smi` say.

use serde_json::Value;

use crate::process::Invocation;

/// A GPU that AMD's driver drives for computing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmdGpu {
    /// Its product name.
    pub name: String,
    /// The driver's version, when it is said.
    pub driver: Option<String>,
}

/// The question that [`parse_rocm`] reads the answer of.
pub fn rocm_query() -> Invocation {
    Invocation::new("rocm-smi").args(["--showproductname", "--showdriverversion", "--json"])
}

/// Reads the answer to [`rocm_query`]: an object with a member per card (`card0`…) and one for the
/// `system`. Releases differ in how they write the keys, and some put warnings before the object.
pub fn parse_rocm(output: &str) -> Vec<AmdGpu> {
    let Some(start) = output.find('{') else {
        return Vec::new();
    };
    let mut documents = serde_json::Deserializer::from_str(&output[start..]).into_iter::<Value>();
    let Some(Ok(Value::Object(members))) = documents.next() else {
        return Vec::new();
    };
    let driver = members
        .get("system")
        .and_then(|system| field(system, &["driver version"]));
    let mut cards: Vec<(u32, AmdGpu)> = members
        .iter()
        .filter_map(|(key, card)| {
            let number = key.strip_prefix("card")?.parse().ok()?;
            let name = field(card, &["card series", "card model", "card sku"])
                .unwrap_or_else(|| "AMD GPU".to_owned());
            let driver = driver.clone();
            Some((number, AmdGpu { name, driver }))
        })
        .collect();
    cards.sort_by_key(|(number, _)| *number);
    cards.into_iter().map(|(_, card)| card).collect()
}

/// The question that [`parse_amd_smi`] reads the answer of.
pub fn amd_smi_query() -> Invocation {
    Invocation::new("amd-smi").args(["static", "--asic", "--driver", "--json"])
}

/// Reads the answer to [`amd_smi_query`]: an array with an object per GPU, which newer releases
/// put below `gpu_data`. What is not known is `N/A`.
pub fn parse_amd_smi(output: &str) -> Vec<AmdGpu> {
    let Some(start) = output.find(['[', '{']) else {
        return Vec::new();
    };
    let mut documents = serde_json::Deserializer::from_str(&output[start..]).into_iter::<Value>();
    let Some(Ok(document)) = documents.next() else {
        return Vec::new();
    };
    let gpus = document.get("gpu_data").unwrap_or(&document);
    let gpus = gpus.as_array().into_iter().flatten();
    gpus.filter_map(|gpu| {
        let asic = gpu.get("asic")?;
        let name = field(asic, &["market_name", "target_graphics_version"]);
        let driver = gpu.get("driver");
        Some(AmdGpu {
            name: name.unwrap_or_else(|| "AMD GPU".to_owned()),
            driver: driver.and_then(|driver| field(driver, &["version", "driver_version"])),
        })
    })
    .collect()
}

/// The first of the named fields that says something, whatever the case of its key.
fn field(object: &Value, names: &[&str]) -> Option<String> {
    let object = object.as_object()?;
    names.iter().find_map(|name| {
        let (_, value) = object
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        let value = value.as_str()?.trim();
        (!value.is_empty() && value != "N/A").then(|| value.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_and_newer_releases_are_read() {
        let older = r#"WARNING: AMD GPU device(s) is/are in a low-power state. Check power control/runtime_status

{"card0": {"Card series": "Instinct MI210", "Card model": "0x0c34", "Card vendor": "Advanced Micro Devices, Inc. [AMD/ATI]", "Card SKU": "D67301"}, "system": {"Driver version": "5.15.0-91-generic"}}
"#;
        let gpus = parse_rocm(older);
        assert_eq!(gpus.len(), 1);
        assert_eq!(gpus[0].name, "Instinct MI210");
        assert_eq!(gpus[0].driver.as_deref(), Some("5.15.0-91-generic"));

        let newer = r#"{"card1": {"Card Series": "AMD Instinct MI300X", "Card Model": "0x74a1", "GFX Version": "gfx942"},
            "card0": {"Card Series": "N/A", "Card Model": "0x74a1"},
            "card10": {"Card Series": "AMD Instinct MI300X"},
            "system": {"Driver version": "6.10.5"}}"#;
        let names: Vec<_> = parse_rocm(newer).into_iter().map(|gpu| gpu.name).collect();
        assert_eq!(
            names,
            ["0x74a1", "AMD Instinct MI300X", "AMD Instinct MI300X"]
        );
    }

    #[test]
    fn no_card_and_no_answer_are_no_gpu() {
        assert_eq!(parse_rocm(""), []);
        assert_eq!(
            parse_rocm("ERROR:root:Driver not initialized (amdgpu not found in modules)"),
            []
        );
        assert_eq!(parse_rocm(r#"{"system": {"Driver version": "6.2"}}"#), []);
        assert_eq!(parse_rocm("{broken"), []);
    }

    /// The forms of amd-smi of ROCm 6.0, 6.4 and 7, as public records show them; values made up.
    #[test]
    fn amd_smi_of_older_and_newer_releases_is_read() {
        let older = r#"[{"gpu": 0, "asic": {"market_name": "AMD Instinct MI300X", "vendor_id": "0x1002"},
            "driver": {"driver_name": "amdgpu", "driver_version": "6.3.6"}},
            {"gpu": 1, "asic": {"market_name": "N/A", "target_graphics_version": "gfx1100"},
            "driver": {"name": "amdgpu", "version": "6.10.5"}}]"#;
        let shown = |output| -> Vec<String> {
            parse_amd_smi(output)
                .into_iter()
                .map(|gpu| format!("{} {}", gpu.name, gpu.driver.unwrap_or_default()))
                .collect()
        };
        assert_eq!(
            shown(older),
            ["AMD Instinct MI300X 6.3.6", "gfx1100 6.10.5"]
        );
        let newer = r#"WARNING: User is missing the following required groups: render
            {"gpu_data": [{"gpu": 0, "asic": {"market_name": "AMD Instinct MI210"},
            "driver": {"name": "amdgpu", "version": "6.12.12"}}]}"#;
        assert_eq!(shown(newer), ["AMD Instinct MI210 6.12.12"]);
        assert_eq!(shown("ERROR: no devices"), [""; 0]);
        assert_eq!(shown("[]"), [""; 0]);
    }
}
