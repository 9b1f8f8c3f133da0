//! Builds the runtime's Wasm.

#[cfg(feature = "std")]
fn main() {
    use substrate_wasm_builder::WasmBuilder;

    // The builder compacts and compresses the blob unless it takes the outer build for a debug one. Ours are `dev`
    // builds day to day, and the node that embeds the blob shall run what a network would.
    if std::env::var("PROFILE").as_deref() == Ok("debug") {
        set_default("WASM_BUILD_TYPE", "release");
    }
    // It looks for the lock file above the target directory, which need not lie in the workspace. The folder is asked
    // for when this runs: two checkouts that share a target directory share this program as well.
    let manifest = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets this for build scripts");
    set_default("WASM_BUILD_WORKSPACE_HINT", &format!("{manifest}/.."));

    let builder = WasmBuilder::init_with_defaults();
    // A test holds these against `units::TOKEN_SYMBOL` and `units::TOKEN_DECIMALS`.
    #[cfg(feature = "metadata-hash")]
    let builder = builder.enable_metadata_hash("ASY", 12);
    builder.build();
}

/// Sets one of the builder's variables, which are its only interface for this, unless whoever builds has set it.
#[cfg(feature = "std")]
fn set_default(variable: &str, value: &str) {
    println!("cargo:rerun-if-env-changed={variable}");
    if std::env::var_os(variable).is_none() {
        // SAFETY: nothing else runs: the builder, which starts threads, comes after.
        unsafe { std::env::set_var(variable, value) };
    }
}

#[cfg(not(feature = "std"))]
fn main() {}
