//! Definition of the network: `network.toml`, made fit for the machine that it is started on.

use anyhow::{Context, ensure};
use std::{
    fs,
    path::{Path, PathBuf},
};
use toml::{Table, Value};
use zombienet_sdk::NetworkConfig;

/// The definition that comes with the source.
const BUILT_IN: &str = include_str!("../network.toml");

/// Keys that name a program.
const PROGRAMS: [&str; 2] = ["command", "default_command"];
/// Keys that fix a port.
const PORTS: [&str; 4] = ["rpc_port", "ws_port", "p2p_port", "prometheus_port"];
/// The relay-chain node, and the programs that it looks for beside itself.
const RELAY_PROGRAMS: [&str; 3] = ["assay-relay", "polkadot-execute-worker", "polkadot-prepare-worker"];

/// Purpose of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Serves those who use the parachain.
    FullNode,
    /// Makes the parachain's blocks.
    Collator,
    /// Makes the relay chain's blocks, and checks the parachain's.
    Validator,
}

/// A node of the definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its name, which is also that of its folder and its log.
    pub name: String,
    /// Its purpose.
    pub role: Role,
}

/// A network in zombienet-sdk's words.
#[derive(Clone, Debug)]
pub struct Definition(Table);

impl Definition {
    /// The network that comes with the source.
    pub fn built_in() -> anyhow::Result<Self> {
        Ok(Self(BUILT_IN.parse().context("network.toml")?))
    }

    /// The network of a file.
    pub fn load(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        Ok(Self(text.parse().with_context(|| path.display().to_string())?))
    }

    /// The same with every port left to the system, so that it runs beside anything.
    pub fn without_ports(mut self) -> Self {
        each_table(&mut self.0, &mut |table| {
            for port in PORTS {
                table.remove(port);
            }
        });
        self
    }

    /// Its nodes: those that people talk to first.
    pub fn nodes(&self) -> anyhow::Result<Vec<Node>> {
        let mut nodes = Vec::new();
        let relay_chain = self.0.get("relaychain").and_then(Value::as_table);
        for node in tables(relay_chain.context("the network has no [relaychain]")?, "nodes") {
            let role = Role::Validator;
            nodes.push(Node {
                name: name(node)?,
                role,
            });
        }
        for parachain in tables(&self.0, "parachains") {
            for node in tables(parachain, "collators") {
                let authors = node.get("validator").and_then(Value::as_bool).unwrap_or(true);
                let role = if authors { Role::Collator } else { Role::FullNode };
                nodes.push(Node {
                    name: name(node)?,
                    role,
                });
            }
        }
        nodes.sort_by(|a, b| (a.role, &a.name).cmp(&(b.role, &b.name)));
        Ok(nodes)
    }

    /// The network that zombienet-sdk starts: with programs from one folder, and everything that the nodes write in
    /// another.
    pub(crate) fn config(&self, programs: &Path, folder: &Path) -> anyhow::Result<NetworkConfig> {
        for program in RELAY_PROGRAMS {
            find(programs, program)?;
        }
        let mut table = self.0.clone();
        let mut missing = None;
        each_table(&mut table, &mut |table| {
            for key in PROGRAMS {
                let Some(Value::String(program)) = table.get_mut(key) else {
                    continue;
                };
                if !program.contains('/') {
                    match find(programs, program) {
                        Ok(path) => *program = path.display().to_string(),
                        Err(error) => missing = Some(error),
                    }
                }
            }
        });
        if let Some(error) = missing {
            return Err(error);
        }
        let settings = table
            .entry("settings")
            .or_insert_with(|| Table::new().into())
            .as_table_mut()
            .context("[settings] is a table")?;
        settings.insert("base_dir".into(), folder.display().to_string().into());
        let path = folder.join("network.toml");
        fs::write(&path, toml::to_string(&table)?).with_context(|| path.display().to_string())?;
        NetworkConfig::load_from_toml(&path.display().to_string())
            .with_context(|| format!("{} is no network", path.display()))
    }
}

fn find(programs: &Path, program: &str) -> anyhow::Result<PathBuf> {
    let path = programs.join(program);
    ensure!(
        path.is_file(),
        "{} is not there: run `make zombienet`, which builds it, or name its folder with --programs",
        path.display()
    );
    Ok(path)
}

fn name(node: &Table) -> anyhow::Result<String> {
    let name = node.get("name").and_then(Value::as_str);
    Ok(name.context("a node has a name")?.to_owned())
}

fn tables<'a>(table: &'a Table, key: &str) -> impl Iterator<Item = &'a Table> {
    let array = table.get(key).and_then(Value::as_array).map(Vec::as_slice);
    array.unwrap_or_default().iter().filter_map(Value::as_table)
}

/// Does the same to a table and to all tables in it.
fn each_table(table: &mut Table, change: &mut impl FnMut(&mut Table)) {
    change(table);
    for (_, value) in table.iter_mut() {
        match value {
            Value::Table(inner) => each_table(inner, change),
            Value::Array(items) => {
                for item in items {
                    if let Value::Table(inner) = item {
                        each_table(inner, change);
                    }
                }
            }
            _ => {}
        }
    }
}
