//! How a Compose service takes GPUs, and how it takes others: edits of Compose's own answer.
//!
//! The forms are those of the Compose specification (`deploy.resources.reservations.devices`,
//! `gpus`, `devices`, `runtime`) as `docker compose config` writes them.

use serde_json::{Map, Value, json};

use crate::installation::name::Acceleration;

/// AMD's compute device, which every container that computes on AMD's GPUs has.
const KFD: &str = "/dev/kfd";

/// Where AMD's render devices are, one a GPU.
const DRI: &str = "/dev/dri";

/// What NVIDIA's container runtime reads, and obeys also where nothing is reserved.
const VISIBLE: &str = "NVIDIA_VISIBLE_DEVICES";

/// The GPUs that a container gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reserved {
    /// All of the machine.
    All,
    /// None.
    None,
    /// These of NVIDIA, by number or UUID.
    Nvidia(Vec<String>),
    /// These of AMD, by their render devices.
    Amd(Vec<String>),
}

/// Whose GPUs a service takes: `None` when it takes none.
pub fn takes_gpus(service: &Value) -> Option<Acceleration> {
    let reserves = requests(service).any(is_gpu_request);
    if reserves || runtime(service) == "nvidia" {
        return Some(Acceleration::Cuda);
    }
    let mut devices = service["devices"].as_array().into_iter().flatten();
    devices
        .any(|device| source(device) == KFD)
        .then_some(Acceleration::Rocm)
}

/// The GPUs that a service takes: numbers and ids, AMD's as devices, or `all`.
pub fn gpus_of(service: &Value) -> Vec<String> {
    let texts = |values: &Value| -> Vec<String> {
        let values = values.as_array().into_iter().flatten();
        values
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    };
    let all = || vec!["all".to_owned()];
    match takes_gpus(service) {
        None | Some(Acceleration::Cpu) => Vec::new(),
        Some(Acceleration::Cuda) if runtime(service) == "nvidia" => {
            let visible = service["environment"][VISIBLE].as_str().unwrap_or_default();
            match visible {
                "" | "all" => all(),
                "none" | "void" => Vec::new(),
                some => some.split(',').map(str::to_owned).collect(),
            }
        }
        Some(Acceleration::Cuda) => requests(service)
            .filter(|request| is_gpu_request(request))
            .flat_map(|request| match texts(&request["device_ids"]) {
                ids if ids.is_empty() => all(),
                ids => ids,
            })
            .collect(),
        Some(Acceleration::Rocm) => {
            let devices = service["devices"].as_array().into_iter().flatten();
            let render: Vec<String> = devices
                .map(source)
                .filter(|path| *path != KFD && is_amd(path))
                .map(str::to_owned)
                .collect();
            if render.iter().any(|path| path == DRI) {
                all()
            } else {
                render
            }
        }
    }
}

/// Gives a service, which takes GPUs already, these in the place of its own.
pub fn reserve(service: &mut Value, reserved: &Reserved) {
    match reserved {
        Reserved::Amd(render_devices) => reserve_amd(service, Some(render_devices)),
        Reserved::All if takes_gpus(service) == Some(Acceleration::Rocm) => {
            reserve_amd(service, None);
        }
        Reserved::None => {
            edit_requests(service, |_| None);
            if let Some(devices) = own_devices(service) {
                devices.retain(|device| !is_amd(source(device)));
            }
            // Images of NVIDIA ask for all GPUs by themselves where its runtime is the usual one.
            set_variable(service, VISIBLE, "void");
        }
        Reserved::All => reserve_nvidia(service, None),
        Reserved::Nvidia(ids) => reserve_nvidia(service, Some(ids)),
    }
}

fn reserve_nvidia(service: &mut Value, ids: Option<&[String]>) {
    edit_requests(service, |mut request| {
        let is_cdi = request.get("driver").and_then(Value::as_str) == Some("cdi");
        request.remove("count");
        request.remove("device_ids");
        match (ids, is_cdi) {
            (Some(ids), false) => request.insert("device_ids".into(), json!(ids)),
            // Devices of the Container Device Interface have qualified names.
            (Some(ids), true) => {
                let names = ids.iter().map(|id| format!("nvidia.com/gpu={id}"));
                request.insert("device_ids".into(), names.collect())
            }
            (None, false) => request.insert("count".into(), json!(-1)),
            (None, true) => request.insert("device_ids".into(), json!(["nvidia.com/gpu=all"])),
        };
        Some(request)
    });
    if runtime(service) == "nvidia" {
        let visible = ids.map_or_else(|| "all".to_owned(), |ids| ids.join(","));
        set_variable(service, VISIBLE, &visible);
    }
}

fn reserve_amd(service: &mut Value, render_devices: Option<&[String]>) {
    let device = |path: &str| json!({"source": path, "target": path, "permissions": "rwm"});
    let Some(devices) = own_devices(service) else {
        return;
    };
    devices.retain(|device| source(device) == KFD || !is_amd(source(device)));
    match render_devices {
        Some(paths) => devices.extend(paths.iter().map(|path| device(path))),
        None => devices.push(device(DRI)),
    }
}

/// The list `devices:`, if there is one; Compose refuses one that is null.
fn own_devices(service: &mut Value) -> Option<&mut Vec<Value>> {
    service.get_mut("devices").and_then(Value::as_array_mut)
}

/// What a service asks drivers for.
fn requests(service: &Value) -> impl Iterator<Item = &Value> {
    let reserved = &service["deploy"]["resources"]["reservations"]["devices"];
    let short = &service["gpus"];
    [reserved, short]
        .into_iter()
        .filter_map(Value::as_array)
        .flatten()
}

/// Changes each request for GPUs, or takes it away.
fn edit_requests(
    service: &mut Value,
    edit: impl Fn(Map<String, Value>) -> Option<Map<String, Value>>,
) {
    for path in ["/deploy/resources/reservations/devices", "/gpus"] {
        let Some(Value::Array(requests)) = service.pointer_mut(path) else {
            continue;
        };
        // `gpus:` holds nothing else, so its entries need not say that they are about GPUs.
        let is_short = path == "/gpus";
        *requests = std::mem::take(requests)
            .into_iter()
            .filter_map(|request| match request {
                Value::Object(request)
                    if is_short || is_gpu_request(&Value::Object(request.clone())) =>
                {
                    edit(request).map(Value::Object)
                }
                other => Some(other),
            })
            .collect();
    }
}

fn is_gpu_request(request: &Value) -> bool {
    let mut capabilities = request["capabilities"].as_array().into_iter().flatten();
    let driver = request["driver"].as_str().unwrap_or_default();
    let mut ids = request["device_ids"].as_array().into_iter().flatten();
    match driver {
        "cdi" => ids.any(|id| {
            id.as_str()
                .is_some_and(|id| id.starts_with("nvidia.com/gpu"))
        }),
        "nvidia" => true,
        _ => capabilities.any(|capability| capability == "gpu"),
    }
}

fn runtime(service: &Value) -> &str {
    service["runtime"].as_str().unwrap_or_default()
}

/// The path on the host: newer releases of Compose write an object, older ones `source:target:rwm`.
fn source(device: &Value) -> &str {
    match device {
        Value::String(text) => text.split(':').next().unwrap_or_default(),
        device => device["source"].as_str().unwrap_or_default(),
    }
}

fn is_amd(path: &str) -> bool {
    path == KFD || path == DRI || path.starts_with("/dev/dri/")
}

fn set_variable(service: &mut Value, name: &str, value: &str) {
    let environment = &mut service["environment"];
    if !environment.is_object() {
        *environment = Value::Object(Map::new());
    }
    environment[name] = value.into();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cuda() -> Value {
        json!({"image": "x", "deploy": {"resources": {"reservations": {"devices": [
            {"driver": "nvidia", "count": -1, "capabilities": ["gpu"]},
            {"driver": "other", "count": 1, "capabilities": ["tpu"]}
        ]}}, "placement": {}}})
    }

    fn rocm() -> Value {
        json!({"image": "x", "group_add": ["44"], "devices": [
            {"source": "/dev/kfd", "target": "/dev/kfd", "permissions": "rwm"},
            {"source": "/dev/dri", "target": "/dev/dri", "permissions": "rwm"},
            "/dev/fuse:/dev/fuse:rwm"
        ]})
    }

    fn reserved(mut service: Value, reserved: &Reserved) -> Value {
        reserve(&mut service, reserved);
        service
    }

    fn ids(ids: &[&str]) -> Reserved {
        Reserved::Nvidia(ids.iter().map(|id| (*id).to_owned()).collect())
    }

    #[test]
    fn whose_gpus_a_service_takes_is_seen_in_every_form() {
        assert_eq!(takes_gpus(&cuda()), Some(Acceleration::Cuda));
        assert_eq!(takes_gpus(&rocm()), Some(Acceleration::Rocm));
        let runtime = json!({"runtime": "nvidia"});
        assert_eq!(takes_gpus(&runtime), Some(Acceleration::Cuda));
        let short = json!({"gpus": [{"capabilities": ["gpu"], "count": -1}]});
        assert_eq!(takes_gpus(&short), Some(Acceleration::Cuda));
        let older = json!({"devices": ["/dev/kfd:/dev/kfd:rwm"]});
        assert_eq!(takes_gpus(&older), Some(Acceleration::Rocm));
        let other = json!({"devices": ["/dev/fuse"], "deploy": {"resources": {"reservations":
            {"devices": [{"driver": "cdi", "device_ids": ["vendor.com/nic=0"]}]}}}});
        assert_eq!(takes_gpus(&other), None);
        assert_eq!(takes_gpus(&json!({"image": "x"})), None);
    }

    #[test]
    fn the_gpus_of_a_service_are_told_in_every_form() {
        assert_eq!(gpus_of(&cuda()), ["all"]);
        assert_eq!(gpus_of(&rocm()), ["all"]);
        assert_eq!(gpus_of(&json!({"image": "x"})), [""; 0]);
        let runtime = |visible: &str| {
            gpus_of(&json!({"runtime": "nvidia", "environment": {VISIBLE: visible}}))
        };
        assert_eq!(runtime("0,2"), ["0", "2"]);
        assert_eq!(runtime("all"), ["all"]);
        assert_eq!(runtime("void"), [""; 0]);
        let some = reserved(cuda(), &ids(&["1"]));
        assert_eq!(gpus_of(&some), ["1"]);
        let one = Reserved::Amd(vec!["/dev/dri/renderD129".into()]);
        assert_eq!(gpus_of(&reserved(rocm(), &one)), ["/dev/dri/renderD129"]);
        assert_eq!(gpus_of(&reserved(rocm(), &Reserved::None)), [""; 0]);
    }

    #[test]
    fn chosen_gpus_stand_in_the_place_of_all() {
        let service = reserved(cuda(), &ids(&["0", "GPU-abc"]));
        assert_eq!(
            service["deploy"]["resources"]["reservations"]["devices"],
            json!([
                {"driver": "nvidia", "device_ids": ["0", "GPU-abc"], "capabilities": ["gpu"]},
                {"driver": "other", "count": 1, "capabilities": ["tpu"]}
            ])
        );
        assert!(service.get("environment").is_none());
        assert_eq!(reserved(service, &Reserved::All), cuda());
    }

    #[test]
    fn none_takes_them_away_from_images_that_ask_by_themselves_too() {
        let service = reserved(cuda(), &Reserved::None);
        assert_eq!(
            service["deploy"]["resources"]["reservations"]["devices"],
            json!([{"driver": "other", "count": 1, "capabilities": ["tpu"]}])
        );
        assert_eq!(service["environment"]["NVIDIA_VISIBLE_DEVICES"], "void");
        let service = reserved(rocm(), &Reserved::None);
        assert_eq!(service["devices"], json!(["/dev/fuse:/dev/fuse:rwm"]));
        assert_eq!(service["group_add"], json!(["44"]));
    }

    #[test]
    fn other_ways_to_ask_nvidia_s_runtime_are_served_too() {
        let cdi = json!({"deploy": {"resources": {"reservations": {"devices": [
            {"driver": "cdi", "device_ids": ["nvidia.com/gpu=all"], "capabilities": ["gpu"]}]}}}});
        let path = "/deploy/resources/reservations/devices/0/device_ids";
        let some = reserved(cdi, &ids(&["1"]));
        assert_eq!(some.pointer(path), Some(&json!(["nvidia.com/gpu=1"])));
        let all = reserved(some, &Reserved::All);
        assert_eq!(all.pointer(path), Some(&json!(["nvidia.com/gpu=all"])));

        let runtime = json!({"runtime": "nvidia", "environment": {"A": "1"}});
        let some = reserved(runtime, &ids(&["0", "2"]));
        assert_eq!(
            some["environment"],
            json!({"A": "1", "NVIDIA_VISIBLE_DEVICES": "0,2"})
        );

        let short = json!({"gpus": [{"count": -1}]});
        assert_eq!(
            reserved(short, &ids(&["3"]))["gpus"],
            json!([{"device_ids": ["3"]}])
        );
    }

    #[test]
    fn amd_s_gpus_are_their_render_devices() {
        let chosen = Reserved::Amd(vec!["/dev/dri/renderD129".into()]);
        let service = reserved(rocm(), &chosen);
        assert_eq!(
            service["devices"],
            json!([
                {"source": "/dev/kfd", "target": "/dev/kfd", "permissions": "rwm"},
                "/dev/fuse:/dev/fuse:rwm",
                {"source": "/dev/dri/renderD129", "target": "/dev/dri/renderD129", "permissions": "rwm"}
            ])
        );
        let all = reserved(service, &Reserved::All);
        assert_eq!(all["devices"][2]["source"], "/dev/dri");
        assert_eq!(all["devices"].as_array().map(Vec::len), Some(3));
    }
}
