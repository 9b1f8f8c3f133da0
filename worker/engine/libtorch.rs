//! Build script of crates whose binaries or tests execute models: lets them find libtorch at run time.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=../engine/libtorch.rs");
    if let Ok(arguments) = env::var("DEP_ASSAY_ENGINE_ARGUMENTS") {
        for argument in arguments.split(' ') {
            println!("cargo::rustc-link-arg={argument}");
        }
    }
}
