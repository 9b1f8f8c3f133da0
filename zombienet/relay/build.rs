//! Puts the commit into the three binaries, which compare it when the node starts a worker.

fn main() {
    substrate_build_script_utils::generate_cargo_keys();
    substrate_build_script_utils::rerun_if_git_head_changed();
}
