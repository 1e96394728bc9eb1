//! AMD's GPUs as the kernel describes them: no program of ROCm is needed for that.

use super::super::Machine;
use super::image::target;

/// Where the kernel's compute driver (KFD) describes processors, a directory each
/// (`Documentation/ABI/testing/sysfs-…` of the kernel, `kfd_topology.c`).
const NODES: &str = "/sys/class/kfd/kfd/topology/nodes";

/// A GPU that AMD's kernel driver offers for computing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KfdGpu {
    /// Its number as ROCm counts (`ROCR_VISIBLE_DEVICES`, `HIP_VISIBLE_DEVICES`): in the order of
    /// the kernel's nodes, processors left out.
    pub index: u32,
    /// Its instruction set: `gfx90a`.
    pub target: String,
    /// `GPU-` and its number for life, where it has one, as ROCm writes it.
    pub uuid: Option<String>,
    /// Its render device: `/dev/dri/renderD128`.
    pub render_device: Option<String>,
    /// Its product name, where the driver knows it.
    pub name: Option<String>,
}

impl KfdGpu {
    /// The GPU in words.
    pub fn shown(&self) -> String {
        match &self.name {
            Some(name) => format!("{name} ({})", self.target),
            None => self.target.clone(),
        }
    }
}

impl Machine {
    /// AMD's GPUs that compute, in ROCm's order.
    pub fn amd_gpus(&self) -> Vec<KfdGpu> {
        let mut nodes: Vec<u32> = self
            .names(NODES)
            .iter()
            .filter_map(|name| name.parse().ok())
            .collect();
        nodes.sort_unstable();
        let mut gpus = Vec::new();
        for node in nodes {
            let properties = self
                .text(&format!("{NODES}/{node}/properties"))
                .unwrap_or_default();
            if let Some(gpu) = self.amd_gpu(gpus.len(), &properties) {
                gpus.push(gpu);
            }
        }
        gpus
    }

    /// The GPU of a node's properties, lines of `name value`. The processor is a node as well, and
    /// a node that this process may not use says nothing.
    fn amd_gpu(&self, index: usize, properties: &str) -> Option<KfdGpu> {
        let value = |name: &str| -> Option<u64> {
            let mut lines = properties.lines().map(str::split_whitespace);
            let mut line = lines.find(|words| words.clone().next() == Some(name))?;
            line.nth(1)?.parse().ok()
        };
        if value("simd_count")? == 0 {
            return None;
        }
        // 90402 is 9.4.2.
        let version = u32::try_from(value("gfx_target_version")?).ok()?;
        if version == 0 {
            return None;
        }
        let minor = value("drm_render_minor").filter(|minor| *minor > 0);
        let name = minor.and_then(|minor| {
            self.text(&format!(
                "/sys/class/drm/renderD{minor}/device/product_name"
            ))
        });
        Some(KfdGpu {
            index: u32::try_from(index).ok()?,
            target: target(version / 10_000, version / 100 % 100, version % 100),
            uuid: value("unique_id")
                .filter(|id| *id > 0)
                .map(|id| format!("GPU-{id:016x}")),
            render_device: minor.map(|minor| format!("/dev/dri/renderD{minor}")),
            name: name
                .map(|name| name.trim().to_owned())
                .filter(|name| !name.is_empty()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fake::machine;

    #[test]
    fn gpus_are_found_among_the_kernel_s_nodes() {
        let (_root, machine) = machine(&[
            (
                "/sys/class/kfd/kfd/topology/nodes/0/properties",
                "cpu_cores_count 96\nsimd_count 0\ngfx_target_version 0\n",
            ),
            (
                "/sys/class/kfd/kfd/topology/nodes/10/properties",
                "cpu_cores_count 0\nsimd_count 416\ngfx_target_version 90010\ndrm_render_minor 137\n",
            ),
            (
                "/sys/class/kfd/kfd/topology/nodes/2/properties",
                "cpu_cores_count 0\nsimd_count 1216\nvendor_id 4098\ngfx_target_version 90402\n\
                 drm_render_minor 128\nunique_id 16033526263849385074\n",
            ),
            (
                "/sys/class/drm/renderD128/device/product_name",
                "AMD Instinct MI300X OAM\n",
            ),
            // A node that a control group hides.
            ("/sys/class/kfd/kfd/topology/nodes/3/properties", ""),
        ]);
        let gpus = machine.amd_gpus();
        let targets: Vec<&str> = gpus.iter().map(|gpu| gpu.target.as_str()).collect();
        assert_eq!(targets, ["gfx942", "gfx90a"]);
        assert_eq!(gpus[0].index, 0);
        assert_eq!(gpus[0].shown(), "AMD Instinct MI300X OAM (gfx942)");
        assert_eq!(gpus[0].uuid.as_deref(), Some("GPU-de8287300da37c72"));
        assert_eq!(
            gpus[1].render_device.as_deref(),
            Some("/dev/dri/renderD137")
        );
        assert_eq!(gpus[1].shown(), "gfx90a");
    }

    #[test]
    fn consumer_gpus_have_their_own_numbers() {
        let (_root, machine) = machine(&[(
            "/sys/class/kfd/kfd/topology/nodes/1/properties",
            "simd_count 80\ngfx_target_version 100306\ndrm_render_minor 129\nunique_id 0\n",
        )]);
        let gpus = machine.amd_gpus();
        assert_eq!(gpus[0].target, "gfx1036");
        assert_eq!(gpus[0].uuid, None);
    }

    #[test]
    fn a_machine_without_the_driver_has_none() {
        assert_eq!(machine(&[]).1.amd_gpus(), []);
    }
}
