//! Parts of a node's metadata that the worker relies on, and the check that it is there.
//!
//! The worker's own types are what it encodes and decodes, so they are what the metadata is compared with: every
//! call, event, storage entry, runtime API and constant that is used is looked up by name, and its types are compared
//! field by field. There is no metadata file to keep in step, and a difference is named, not just detected.

mod list;

use super::{
    calls::snake_case,
    error::ChainError,
    shape::Comparison,
    types::{Balance, BlockNumber},
};
use polkadot_sdk::sp_runtime::FixedU128;
use scale_info::{Field, MetaType, PortableRegistry, Registry, TypeDef, Variant, form::PortableForm, meta_type};
use std::collections::BTreeSet;
use subxt::metadata::Metadata;

/// Constants of the market and workers pallets that the worker reads: pallet, name.
const BLOCK_CONSTANTS: [(&str, &str); 6] = [
    ("Market", "MinDeadline"),
    ("Market", "MaxDeadline"),
    ("Market", "MinWindow"),
    ("Market", "MaxWindow"),
    ("Market", "MinAuctionPhase"),
    ("Market", "MaxAuctionPhase"),
];
const BALANCE_CONSTANTS: [(&str, &str); 4] = [
    ("Market", "BidDeposit"),
    ("Workers", "MinStake"),
    ("Workers", "StakeFloor"),
    ("Balances", "ExistentialDeposit"),
];
const RATIO_CONSTANTS: [(&str, &str); 1] = [("Workers", "StakePerPrice")];

/// Compares everything that the worker uses with the node's metadata.
pub(super) fn check(metadata: &Metadata, url: &str) -> Result<(), ChainError> {
    let mut check = Check::new();
    let mut plan = list::calls_and_events(&mut check);
    plan.extend(list::storage(&mut check));
    plan.extend(list::apis(&mut check));
    plan.extend(list::dispute_apis(&mut check));
    plan.extend(list::session_apis(&mut check));
    let constants = [
        (
            BLOCK_CONSTANTS.as_slice(),
            check.registry.register_type(&meta_type::<BlockNumber>()).id,
        ),
        (
            BALANCE_CONSTANTS.as_slice(),
            check.registry.register_type(&meta_type::<Balance>()).id,
        ),
        (
            RATIO_CONSTANTS.as_slice(),
            check.registry.register_type(&meta_type::<FixedU128>()).id,
        ),
    ];
    let ours = PortableRegistry::from(check.registry);
    let mut differences: Vec<String> = plan.iter().flat_map(|item| item.differences(&ours, metadata)).collect();
    for (list, our_type) in constants {
        for (pallet, name) in list {
            if let Err(reason) = constant(metadata, pallet, name)
                .and_then(|their_type| Comparison::new(&ours, metadata.types()).types(our_type, their_type))
            {
                differences.push(format!("constant {pallet}.{name}: {reason}"));
            }
        }
    }
    // A pallet that is missing is missing for its calls and its events.
    let mut named = BTreeSet::new();
    differences.retain(|difference| named.insert(difference.clone()));
    if differences.is_empty() {
        Ok(())
    } else {
        Err(ChainError::OtherRuntime {
            url: url.into(),
            differences,
        })
    }
}

fn constant(metadata: &Metadata, pallet: &str, name: &str) -> Result<u32, String> {
    let pallet = metadata.pallet_by_name(pallet).ok_or("the node has no such pallet")?;
    Ok(pallet
        .constant_by_name(name)
        .ok_or("the node has no such constant")?
        .ty())
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Calls,
    Events,
    /// Events of which only the first fields are read.
    LeadingEvents,
}

/// One thing that the worker relies on; types by their ids in its own registry.
enum Item {
    Enum {
        pallet: &'static str,
        part: Part,
        ty: u32,
    },
    Storage {
        pallet: &'static str,
        entry: &'static str,
        key: Option<u32>,
        value: u32,
        leading: bool,
    },
    Api {
        method: &'static str,
        inputs: Vec<u32>,
        output: u32,
    },
}

struct Check {
    registry: Registry,
}

impl Check {
    fn new() -> Self {
        Self {
            registry: Registry::new(),
        }
    }

    fn id(&mut self, ty: MetaType) -> u32 {
        self.registry.register_type(&ty).id
    }

    fn enum_of(&mut self, pallet: &'static str, part: Part, ty: MetaType) -> Item {
        Item::Enum {
            pallet,
            part,
            ty: self.id(ty),
        }
    }

    fn map(&mut self, pallet: &'static str, entry: &'static str, key: Option<MetaType>, value: MetaType) -> Item {
        let key = key.map(|key| self.id(key));
        Item::Storage {
            pallet,
            entry,
            key,
            value: self.id(value),
            leading: false,
        }
    }

    fn leading(&mut self, pallet: &'static str, entry: &'static str, key: MetaType, value: MetaType) -> Item {
        Item::Storage {
            pallet,
            entry,
            key: Some(self.id(key)),
            value: self.id(value),
            leading: true,
        }
    }

    fn api(&mut self, method: &'static str, inputs: Vec<MetaType>, output: MetaType) -> Item {
        let inputs = inputs.into_iter().map(|input| self.id(input)).collect();
        Item::Api {
            method,
            inputs,
            output: self.id(output),
        }
    }
}

impl Item {
    fn differences(&self, ours: &PortableRegistry, metadata: &Metadata) -> Vec<String> {
        match self {
            Self::Enum { pallet, part, ty } => enum_differences(ours, metadata, pallet, *part, *ty),
            Self::Storage { pallet, entry, .. } => self
                .storage_difference(ours, metadata)
                .map(|reason| format!("storage {pallet}.{entry}: {reason}"))
                .into_iter()
                .collect(),
            Self::Api { method, inputs, output } => api_difference(ours, metadata, method, inputs, *output)
                .map(|reason| format!("runtime API AssayApi.{method}: {reason}"))
                .into_iter()
                .collect(),
        }
    }

    fn storage_difference(&self, ours: &PortableRegistry, metadata: &Metadata) -> Option<String> {
        let Self::Storage {
            pallet,
            entry,
            key,
            value,
            leading,
        } = self
        else {
            return None;
        };
        let Some(theirs) = metadata
            .pallet_by_name(pallet)
            .and_then(|pallet| pallet.storage())
            .and_then(|storage| storage.entry_by_name(entry))
        else {
            return Some("the node has no such entry".into());
        };
        let mut comparison = Comparison::new(ours, metadata.types());
        let their_keys: Vec<u32> = theirs.keys().map(|key| key.key_id).collect();
        if their_keys.len() != key.iter().len() {
            return Some("it has another number of keys".into());
        }
        if let (Some(our_key), Some(their_key)) = (key, their_keys.first())
            && let Err(reason) = comparison.types(*our_key, *their_key)
        {
            return Some(format!("key: {reason}"));
        }
        if *leading {
            comparison
                .leading_fields(fields_of(ours, *value), fields_of(metadata.types(), theirs.value_ty()))
                .err()
        } else {
            comparison.types(*value, theirs.value_ty()).err()
        }
    }
}

fn fields_of(types: &PortableRegistry, id: u32) -> &[Field<PortableForm>] {
    match types.resolve(id).map(|ty| &ty.type_def) {
        Some(TypeDef::Composite(composite)) => &composite.fields,
        _ => &[],
    }
}

fn enum_differences(ours: &PortableRegistry, metadata: &Metadata, pallet: &str, part: Part, ty: u32) -> Vec<String> {
    let Some(their_pallet) = metadata.pallet_by_name(pallet) else {
        return vec![format!("pallet {pallet}: the node has no such pallet")];
    };
    let (word, theirs) = match part {
        Part::Calls => ("call", their_pallet.call_variants()),
        Part::Events | Part::LeadingEvents => ("event", their_pallet.event_variants()),
    };
    let Some(TypeDef::Variant(our_enum)) = ours.resolve(ty).map(|ty| &ty.type_def) else {
        return Vec::new();
    };
    let mut differences = Vec::new();
    for our in &our_enum.variants {
        let name = if part == Part::Calls {
            snake_case(&our.name)
        } else {
            our.name.clone()
        };
        let their: Option<&Variant<PortableForm>> =
            theirs.and_then(|variants| variants.iter().find(|variant| variant.name == name));
        let outcome = match their {
            None => Err("the node has none".to_string()),
            Some(their) if part == Part::LeadingEvents => {
                Comparison::new(ours, metadata.types()).leading_fields(&our.fields, &their.fields)
            }
            Some(their) => Comparison::new(ours, metadata.types()).fields(&our.fields, &their.fields),
        };
        if let Err(reason) = outcome {
            differences.push(format!("{word} {pallet}.{name}: {reason}"));
        }
    }
    differences
}

fn api_difference(
    ours: &PortableRegistry,
    metadata: &Metadata,
    method: &str,
    inputs: &[u32],
    output: u32,
) -> Option<String> {
    let Some(theirs) = metadata
        .runtime_api_trait_by_name("AssayApi")
        .and_then(|api| api.method_by_name(method))
    else {
        return Some("the node has none".into());
    };
    let mut comparison = Comparison::new(ours, metadata.types());
    let their_inputs: Vec<u32> = theirs.inputs().map(|input| input.id).collect();
    if their_inputs.len() != inputs.len() {
        return Some("it takes another number of arguments".into());
    }
    for (ours, theirs) in inputs.iter().zip(their_inputs) {
        if let Err(reason) = comparison.types(*ours, theirs) {
            return Some(format!("argument: {reason}"));
        }
    }
    comparison
        .types(output, theirs.output_ty())
        .err()
        .map(|reason| format!("answer: {reason}"))
}
