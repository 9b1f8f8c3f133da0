//! The metadata that wallets read: every item of our pallets is documented in it, in words that are not Rust's.

use assay_runtime::Runtime;
use assay_types::limits;
use codec::Decode;
use frame_metadata::{
    RuntimeMetadata, RuntimeMetadataPrefixed,
    v15::{PalletMetadata, RuntimeMetadataV15},
};
use polkadot_sdk::sp_io::TestExternalities;
use scale_info::{Field, PortableRegistry, TypeDef, Variant, form::PortableForm};

/// The pallets that this chain is for.
const OURS: [&str; 9] = [
    "Audits",
    "Disputes",
    "Governance",
    "Market",
    "Models",
    "Seeds",
    "Sessions",
    "Time",
    "Workers",
];
/// Words that only the source has.
const RUST: [&str; 8] = [
    "Config::",
    "limits::",
    "crate::",
    "super::",
    "Self::",
    "assay_types::",
    "assay_exact::",
    "](",
];

/// Items without a reader's documentation.
#[derive(Default)]
struct Complaints(Vec<String>);

impl Complaints {
    fn check(&mut self, item: &str, docs: &[String]) {
        let docs = docs.join(" ");
        if docs.trim().is_empty() {
            self.0.push(format!("{item} has no documentation"));
        }
        if let Some(word) = RUST.iter().find(|word| docs.contains(**word)) {
            self.0.push(format!("{item} speaks Rust ({word}): {docs}"));
        }
    }

    fn check_fields(&mut self, item: &str, fields: &[Field<PortableForm>]) {
        for field in fields {
            if let Some(name) = &field.name {
                self.check(&format!("{item}.{name}"), &field.docs);
            }
        }
    }

    fn check_variants(&mut self, item: &str, variants: &[Variant<PortableForm>], with_fields: bool) {
        for variant in variants {
            let item = format!("{item}::{}", variant.name);
            self.check(&item, &variant.docs);
            if with_fields {
                self.check_fields(&item, &variant.fields);
            }
        }
    }
}

fn metadata() -> RuntimeMetadataV15 {
    // The first values of parameters are read from the state.
    let bytes = TestExternalities::default()
        .execute_with(|| Runtime::metadata_at_version(15))
        .expect("this version is supported");
    let prefixed = RuntimeMetadataPrefixed::decode(&mut &bytes[..]).expect("metadata is SCALE");
    match prefixed.1 {
        RuntimeMetadata::V15(metadata) => metadata,
        _ => panic!("another version than was asked for"),
    }
}

fn variants_of(types: &PortableRegistry, ty: u32) -> &[Variant<PortableForm>] {
    match types.resolve(ty).map(|ty| &ty.type_def) {
        Some(TypeDef::Variant(variants)) => &variants.variants,
        _ => panic!("calls, events and errors are enums"),
    }
}

fn check_pallet(complaints: &mut Complaints, types: &PortableRegistry, pallet: &PalletMetadata<PortableForm>) {
    let name = &pallet.name;
    complaints.check(name, &pallet.docs);
    for entry in pallet.storage.iter().flat_map(|storage| &storage.entries) {
        complaints.check(&format!("{name}.{}", entry.name), &entry.docs);
    }
    for constant in &pallet.constants {
        complaints.check(&format!("{name}.{}", constant.name), &constant.docs);
    }
    // A pallet's arguments are documented by its calls: the macro gives them no words of their own.
    let calls = pallet.calls.as_ref().map(|calls| (calls.ty.id, false));
    let events = pallet.event.as_ref().map(|event| (event.ty.id, true));
    let errors = pallet.error.as_ref().map(|error| (error.ty.id, true));
    for (ty, with_fields) in [calls, events, errors].into_iter().flatten() {
        complaints.check_variants(name, variants_of(types, ty), with_fields);
    }
}

#[test]
fn every_item_of_our_pallets_is_documented_for_those_who_read_no_rust() {
    let metadata = metadata();
    let mut complaints = Complaints::default();
    let ours: Vec<_> = metadata
        .pallets
        .iter()
        .filter(|pallet| OURS.contains(&pallet.name.as_str()))
        .collect();
    assert_eq!(ours.len(), OURS.len());
    for pallet in ours {
        check_pallet(&mut complaints, &metadata.types, pallet);
    }
    let api = metadata
        .apis
        .iter()
        .find(|api| api.name == "AssayApi")
        .expect("it is ours");
    complaints.check("AssayApi", &api.docs);
    for method in &api.methods {
        complaints.check(&format!("AssayApi.{}", method.name), &method.docs);
    }
    assert!(complaints.0.is_empty(), "{:#?}", complaints.0);
}

#[test]
fn every_type_of_ours_is_documented_with_its_fields() {
    let metadata = metadata();
    let mut complaints = Complaints::default();
    let crates = OURS.map(|name| format!("pallet_{}", name.to_lowercase()));
    let mut found = 0;
    for ty in metadata.types.types.iter().map(|portable| &portable.ty) {
        let Some(first) = ty.path.segments.first() else {
            continue;
        };
        let is_ours = first.starts_with("assay_") || crates.contains(first);
        // Those in a pallet's own module are made by FRAME, and are looked at by pallet. The runtime's are lists.
        let is_generated = ty.path.segments.iter().any(|segment| segment == "pallet") || first == "assay_runtime";
        if !is_ours || is_generated {
            continue;
        }
        found += 1;
        let name = ty.path.segments.join("::");
        complaints.check(&name, &ty.docs);
        // A parameter's name is that of a constant, which has the documentation.
        if first == "pallet_governance" && name.ends_with("::ParameterName") {
            continue;
        }
        match &ty.type_def {
            TypeDef::Composite(composite) => complaints.check_fields(&name, &composite.fields),
            TypeDef::Variant(variants) => complaints.check_variants(&name, &variants.variants, true),
            _ => {}
        }
    }
    assert!(found > 50, "{found} types");
    assert!(complaints.0.is_empty(), "{:#?}", complaints.0);
}

#[test]
fn limits_are_constants() {
    let metadata = metadata();
    let constant = |pallet: &str, name: &str| {
        let pallet = metadata.pallets.iter().find(|other| other.name == pallet)?;
        let constant = pallet.constants.iter().find(|constant| constant.name == name)?;
        u32::decode(&mut &constant.value[..]).ok()
    };
    for (pallet, name, value) in [
        ("Market", "MaxBatch", limits::MAX_BATCH),
        ("Market", "MaxSteps", limits::MAX_STEPS),
        ("Market", "MaxSymbols", limits::MAX_SYMBOLS),
        ("Market", "MaxInlineInputBytes", limits::MAX_INLINE_INPUT_BYTES),
        ("Market", "MaxInlineOutputBytes", limits::MAX_INLINE_OUTPUT_BYTES),
        ("Market", "MaxAttempts", limits::MAX_ATTEMPTS),
        ("Market", "MaxBids", limits::MAX_BIDS),
        ("Models", "MaxNameBytes", limits::MAX_NAME_BYTES),
        ("Models", "MaxVersions", limits::MAX_VERSIONS),
        ("Models", "MaxTensors", limits::MAX_TENSORS),
        ("Models", "MaxRank", limits::MAX_RANK),
        ("Workers", "MaxOffersPerWorker", limits::MAX_OFFERS_PER_WORKER),
        ("Workers", "MaxOffersPerModel", limits::MAX_OFFERS_PER_MODEL),
        ("Workers", "MaxAddresses", limits::MAX_ADDRESSES),
        ("Sessions", "MaxSequence", limits::MAX_SEQUENCE),
        ("Sessions", "MaxSessionOffers", limits::MAX_SESSION_OFFERS),
        ("Disputes", "MaxGames", assay_types::dispute::MAX_GAMES),
        ("Disputes", "MaxNodes", assay_types::dispute::MAX_NODES),
    ] {
        assert_eq!(constant(pallet, name), Some(value), "{pallet}.{name}");
    }
}
