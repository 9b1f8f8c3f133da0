//! Checks of the machine: key files, folders, disk, memory, the engine and its exactness, and ports.

use super::Finding;
use crate::{config::Common, engine, models::PackageAt};
use assay_network::Multiaddr;
use std::{
    fs::{self, OpenOptions},
    io,
    net::{IpAddr, SocketAddr, TcpListener, UdpSocket},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

/// Bytes on disk below which a worker soon cannot write what must survive a crash.
const LEAST_DISK: u64 = 1 << 30;
/// Bytes that copies of inputs and digest trees may take: see the store.
const STORE_DISK: u64 = 48 << 30;

/// Memory that a model takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) name: String,
    /// Bytes of the weights.
    pub(super) weights: u64,
    /// Bytes that the largest job takes at its peak.
    pub(super) peak: u64,
}

/// A key file must be its owner's alone.
pub(super) fn private(file: &Path) -> Finding {
    let (what, shown) = ("key file", file.display());
    match fs::metadata(file) {
        Ok(about) if about.mode() & 0o077 == 0 => {
            Finding::fine(what, format!("{shown}: mode {:o}", about.mode() & 0o777))
        }
        Ok(about) => Finding::broken(
            what,
            format!(
                "{shown}: mode {:o}, so other users can read or change it",
                about.mode() & 0o777
            ),
            format!("chmod 600 {shown}"),
        ),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Finding::fine(
            what,
            format!("{shown}: none yet; `serve` makes one when it joins the network"),
        ),
        Err(error) => Finding::broken(what, format!("{shown}: {error}"), "let this user read the file"),
    }
}

/// The data folder must be there or be made, and nobody else may write in it.
pub(super) fn folder(data_dir: &Path) -> Finding {
    let (what, shown) = ("data_dir", data_dir.display());
    let about = match fs::metadata(data_dir) {
        Ok(about) if about.is_dir() => about,
        Ok(_) => return Finding::broken(what, format!("{shown} is no folder"), "name another data_dir"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Finding::note(
                what,
                format!("{shown} is not there"),
                "`serve` makes it; if the worker ran before, name the folder that it had",
            );
        }
        Err(error) => return Finding::broken(what, format!("{shown}: {error}"), "let this user read the folder"),
    };
    if about.mode() & 0o002 != 0 {
        let measured = format!(
            "{shown}: mode {:o}, so every user can change what is kept",
            about.mode() & 0o777
        );
        return Finding::broken(what, measured, format!("chmod o-w {shown}"));
    }
    // A file of our own name, which nobody reads.
    let probe = data_dir.join(format!(".doctor-{}", std::process::id()));
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&probe);
    // What stays is an empty file.
    let _ = fs::remove_file(&probe);
    match written {
        Ok(_) => Finding::fine(what, format!("{shown} can be written")),
        Err(error) => Finding::broken(
            what,
            format!("{shown} cannot be written: {error}"),
            "let this user write in the folder, or free its disk",
        ),
    }
}

/// Bytes that this user can still write in a folder, or in the nearest one above that is there.
pub(super) fn free_bytes(folder: &Path) -> Option<u64> {
    let absolute = std::path::absolute(folder).ok()?;
    let there = absolute.ancestors().find(|folder| folder.is_dir())?;
    let about = rustix::fs::statvfs(there).ok()?;
    Some(about.f_bavail.saturating_mul(about.f_frsize))
}

/// The disk must have room for what must survive a crash, and should have room for all that the store may keep.
pub(super) fn disk(data_dir: &Path, free: Option<u64>) -> Finding {
    let (what, shown) = ("disk", data_dir.display());
    let Some(free) = free else {
        return Finding::note(what, format!("{shown}: unknown"), "look at the room with `df -h`");
    };
    let measured = format!("{} free for {shown}", mebibytes(free));
    match free {
        0..LEAST_DISK => Finding::broken(what, measured, format!("free {} at least", mebibytes(LEAST_DISK))),
        LEAST_DISK..STORE_DISK => Finding::note(
            what,
            measured,
            format!("copies of inputs and digest trees may take {}", mebibytes(STORE_DISK)),
        ),
        _ => Finding::fine(what, measured),
    }
}

/// Memory that each of these models takes.
pub(super) fn needs(packages: &[PackageAt]) -> Vec<Need> {
    let needs = packages.iter().map(|(_, package)| {
        let largest: Vec<u32> = package.parts().schema.symbols.iter().map(|symbol| symbol.max).collect();
        let weights = package.weights().iter().map(|weight| weight.bytes().len() as u64);
        Need {
            name: package.manifest().name.clone(),
            weights: weights.sum(),
            peak: assay_engine::peak_bytes(package.graph(), &largest),
        }
    });
    needs.collect()
}

/// All weights and the largest job must fit the engine's limit, and the limit should fit what the machine has free.
pub(super) fn memory(limit: u64, available: Option<u64>, needs: &[Need]) -> Finding {
    let what = "memory";
    let weights = needs.iter().fold(0u64, |sum, need| sum.saturating_add(need.weights));
    let largest = needs.iter().max_by_key(|need| need.peak);
    let (peak, name) = largest.map_or((0, "none"), |need| (need.peak, need.name.as_str()));
    let needed = weights.saturating_add(peak);
    let measured = format!(
        "weights {}, the largest job ({name}) {}; the engine may use {}, the machine has {} available",
        mebibytes(weights),
        mebibytes(peak),
        mebibytes(limit),
        available.map_or_else(|| "unknown".to_owned(), mebibytes)
    );
    if weights > limit {
        return Finding::broken(
            what,
            measured,
            "raise max_memory, serve fewer models, or give the machine more memory",
        );
    }
    if needed > limit {
        let advice = "the largest jobs are declined, which costs stake: raise max_memory, or serve fewer models";
        return Finding::note(what, measured, advice);
    }
    match available {
        Some(available) if needed > available => Finding::note(
            what,
            measured,
            "end other programs, or the engine's process may be killed; a worker that runs already counts twice here",
        ),
        _ => Finding::fine(what, measured),
    }
}

/// The engine must start, pass its test of known answers, and give every model's defined bits. It is started for this,
/// in a process of its own, and ends with this function.
pub(super) fn engine(common: &Common, packages: &[PackageAt]) -> Vec<Finding> {
    let started = match engine::start_for(common, packages) {
        Ok(started) => started,
        Err(error) => {
            let advice = "choose another `engine`, or mend what the error names; `serve` fails for the same reason";
            return vec![Finding::broken("engine", error.to_string(), advice)];
        }
    };
    let mut findings = vec![Finding::fine("engine", started.description.clone())];
    findings.extend(packages.iter().map(|(_, package)| {
        let (root, name) = (assay_types::H256(package.root()), &package.manifest().name);
        exactness(name, started.faults.get(&root).map(String::as_str))
    }));
    findings
}

/// A model of which the machine gives other bits than defined must not be served: its claims would be convicted.
pub(super) fn exactness(name: &str, fault: Option<&str>) -> Finding {
    match fault {
        None => Finding::fine(
            "exactness",
            format!("{name}: audited, the bits are those that are defined"),
        ),
        Some(reason) => Finding::broken(
            "exactness",
            format!("{name}: {reason}"),
            "do not serve the model on this machine; try another `engine`, and test the memory and the processor",
        ),
    }
}

/// A port on which a worker with this configuration listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Address to listen on.
    pub address: SocketAddr,
    /// Whether it is a port of UDP; of TCP otherwise.
    pub is_udp: bool,
    /// Whether a program can listen on it now.
    pub is_free: bool,
}

/// Ports of addresses such as `/ip4/0.0.0.0/udp/30340/quic-v1`; others are left out. Port 0 is always free.
pub fn ports(listen: &[Multiaddr]) -> Vec<Port> {
    listen.iter().filter_map(port).collect()
}

fn port(address: &Multiaddr) -> Option<Port> {
    let text = address.to_string();
    let mut parts = text.split('/').skip(1);
    let ip: IpAddr = match parts.next()? {
        "ip4" | "ip6" => parts.next()?.parse().ok()?,
        _ => return None,
    };
    let is_udp = match parts.next()? {
        "udp" => true,
        "tcp" => false,
        _ => return None,
    };
    let address = SocketAddr::new(ip, parts.next()?.parse().ok()?);
    let is_free = match is_udp {
        true => UdpSocket::bind(address).is_ok(),
        false => TcpListener::bind(address).is_ok(),
    };
    Some(Port {
        address,
        is_udp,
        is_free,
    })
}

/// A size for people.
fn mebibytes(bytes: u64) -> String {
    match bytes >> 20 {
        0 => format!("{} KiB", bytes >> 10),
        mebibytes @ 1..10_240 => format!("{mebibytes} MiB"),
        mebibytes => format!("{} GiB", mebibytes >> 10),
    }
}
