//! Memory that the engine's process may use.

use std::{fs, path::Path};

/// Memory of a machine that does not say how much it has.
const UNKNOWN: u64 = 4 << 30;

/// Bytes that are used without a configuration: 80 % of the memory of the machine, or of the control group if that has
/// less.
pub fn default_limit() -> u64 {
    let machine = fs::read_to_string("/proc/meminfo").ok().as_deref().and_then(total);
    let group = group_limit();
    let memory = machine.into_iter().chain(group).min().unwrap_or(UNKNOWN);
    memory / 5 * 4
}

/// Bytes of the machine's memory that programs can have now; `None` if the machine does not say.
pub fn available() -> Option<u64> {
    field(&fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable:")
}

/// Bytes at which the system refuses the process more: an eighth above the limit, since an estimate is none to the
/// byte.
pub fn hard_limit(limit: u64) -> u64 {
    limit.saturating_add(limit / 8)
}

/// The machine's memory, as `/proc/meminfo` has it.
fn total(meminfo: &str) -> Option<u64> {
    field(meminfo, "MemTotal:")
}

/// Bytes of a field of `/proc/meminfo`.
fn field(meminfo: &str, name: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// The least limit of this process's control group and of those above it.
fn group_limit() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let limits = groups.lines().filter_map(|line| {
        let (root, file, path) = match line.split(':').collect::<Vec<_>>()[..] {
            ["0", "", path] => ("/sys/fs/cgroup", "memory.max", path),
            [_, controllers, path] if controllers.split(',').any(|name| name == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", path)
            }
            _ => return None,
        };
        // Within a container the path may be that outside; then the root is the container's own group.
        let own = Path::new(root).join(path.trim_start_matches('/'));
        let above = own.ancestors().take_while(|folder| folder.starts_with(root));
        above
            .filter_map(|folder| limit(&fs::read_to_string(folder.join(file)).ok()?))
            .min()
    });
    limits.min()
}

/// Limit in a file of a control group; `None` if that is no limit.
fn limit(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

/// Bytes of this process that are in memory.
pub(super) fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_within_the_machine_and_more_than_nothing() {
        let limit = default_limit();
        let machine = total(&fs::read_to_string("/proc/meminfo").expect("Linux has it")).expect("a number");
        assert!(limit > 1 << 20 && limit <= machine / 5 * 4, "{limit} of {machine}");
        assert!(resident().is_some_and(|bytes| bytes > 0 && bytes < machine));
    }

    #[test]
    fn a_group_without_a_limit_has_none() {
        assert_eq!(limit("max\n"), None);
        assert_eq!(limit("1048576\n"), Some(1 << 20));
    }
}
