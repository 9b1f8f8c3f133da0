//! Whether two types of two registries have the same SCALE encoding, and the same names for the same things.

use scale_info::{Field, PortableRegistry, TypeDef, form::PortableForm};
use std::collections::HashSet;

/// Compares types of `ours` with types of `theirs`.
pub(super) struct Comparison<'a> {
    ours: &'a PortableRegistry,
    theirs: &'a PortableRegistry,
    /// Pairs that are equal or being compared further up, so that recursive types end.
    seen: HashSet<(u32, u32)>,
}

impl<'a> Comparison<'a> {
    pub(super) fn new(ours: &'a PortableRegistry, theirs: &'a PortableRegistry) -> Self {
        Self {
            ours,
            theirs,
            seen: HashSet::new(),
        }
    }

    /// Compares two types; the error names the first place where they differ.
    pub(super) fn types(&mut self, our_id: u32, their_id: u32) -> Result<(), String> {
        let (our_id, their_id) = (unwrapped(self.ours, our_id), unwrapped(self.theirs, their_id));
        if !self.seen.insert((our_id, their_id)) {
            return Ok(());
        }
        let (Some(ours), Some(theirs)) = (self.ours.resolve(our_id), self.theirs.resolve(their_id)) else {
            return Err("its type is missing from the metadata".into());
        };
        match (&ours.type_def, &theirs.type_def) {
            (TypeDef::Composite(ours), TypeDef::Composite(theirs)) => self.fields(&ours.fields, &theirs.fields),
            (TypeDef::Tuple(ours), TypeDef::Tuple(theirs)) if ours.fields.len() == theirs.fields.len() => ours
                .fields
                .iter()
                .zip(&theirs.fields)
                .try_for_each(|(ours, theirs)| self.types(ours.id, theirs.id)),
            (TypeDef::Sequence(ours), TypeDef::Sequence(theirs)) => {
                self.types(ours.type_param.id, theirs.type_param.id)
            }
            (TypeDef::Compact(ours), TypeDef::Compact(theirs)) => self.types(ours.type_param.id, theirs.type_param.id),
            (TypeDef::Array(ours), TypeDef::Array(theirs)) if ours.len == theirs.len => {
                self.types(ours.type_param.id, theirs.type_param.id)
            }
            (TypeDef::Primitive(ours), TypeDef::Primitive(theirs)) if ours == theirs => Ok(()),
            (TypeDef::Variant(ours), TypeDef::Variant(theirs)) => {
                for their in &theirs.variants {
                    let Some(our) = ours.variants.iter().find(|our| our.name == their.name) else {
                        return Err(format!(
                            "the node knows a variant `{}` that this program does not",
                            their.name
                        ));
                    };
                    if our.index != their.index {
                        return Err(format!("variant `{}` has another index", our.name));
                    }
                    self.fields(&our.fields, &their.fields)
                        .map_err(|reason| format!("{}: {reason}", our.name))?;
                }
                match ours
                    .variants
                    .iter()
                    .find(|our| theirs.variants.iter().all(|their| their.name != our.name))
                {
                    Some(missing) => Err(format!("the node has no variant `{}`", missing.name)),
                    None => Ok(()),
                }
            }
            (ours, theirs) => Err(format!(
                "this program expects {}, the node has {}",
                kind(ours),
                kind(theirs)
            )),
        }
    }

    /// Compares fields one by one.
    pub(super) fn fields(
        &mut self,
        ours: &[Field<PortableForm>],
        theirs: &[Field<PortableForm>],
    ) -> Result<(), String> {
        if ours.len() != theirs.len() {
            return Err(format!(
                "this program expects {} fields, the node has {}",
                ours.len(),
                theirs.len()
            ));
        }
        self.leading_fields(ours, theirs)
    }

    /// Compares our fields with those that theirs begin with.
    pub(super) fn leading_fields(
        &mut self,
        ours: &[Field<PortableForm>],
        theirs: &[Field<PortableForm>],
    ) -> Result<(), String> {
        for (position, our) in ours.iter().enumerate() {
            let name = our.name.clone().unwrap_or_else(|| position.to_string());
            let their = theirs
                .get(position)
                .ok_or_else(|| format!("the node has no field `{name}`"))?;
            if let (Some(our_name), Some(their_name)) = (&our.name, &their.name)
                && our_name != their_name
            {
                return Err(format!(
                    "this program expects field `{our_name}`, the node has `{their_name}`"
                ));
            }
            self.types(our.ty.id, their.ty.id)
                .map_err(|reason| format!("{name}: {reason}"))?;
        }
        Ok(())
    }
}

/// Looks through wrappers of one field, which SCALE does not encode.
fn unwrapped(types: &PortableRegistry, mut id: u32) -> u32 {
    while let Some(ty) = types.resolve(id) {
        id = match &ty.type_def {
            TypeDef::Composite(composite) if composite.fields.len() == 1 => composite.fields[0].ty.id,
            TypeDef::Tuple(tuple) if tuple.fields.len() == 1 => tuple.fields[0].id,
            _ => return id,
        };
    }
    id
}

fn kind(definition: &TypeDef<PortableForm>) -> String {
    match definition {
        TypeDef::Composite(composite) => format!("a record of {} fields", composite.fields.len()),
        TypeDef::Variant(_) => "an enum".into(),
        TypeDef::Sequence(_) => "a list".into(),
        TypeDef::Array(array) => format!("an array of {}", array.len),
        TypeDef::Tuple(tuple) => format!("a tuple of {}", tuple.fields.len()),
        TypeDef::Primitive(primitive) => format!("{primitive:?}").to_lowercase(),
        TypeDef::Compact(_) => "a compact number".into(),
        TypeDef::BitSequence(_) => "a bit sequence".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scale_info::{MetaType, Registry, TypeInfo, meta_type};

    fn compare<A: TypeInfo + 'static, B: TypeInfo + 'static>() -> Result<(), String> {
        let portable = |ty: MetaType| {
            let mut registry = Registry::new();
            let id = registry.register_type(&ty).id;
            (id, PortableRegistry::from(registry))
        };
        let ((our_id, ours), (their_id, theirs)) = (portable(meta_type::<A>()), portable(meta_type::<B>()));
        Comparison::new(&ours, &theirs).types(our_id, their_id)
    }

    #[test]
    fn a_wrapper_is_as_good_as_what_it_wraps() {
        assert_eq!(compare::<assay_types::H256, [u8; 32]>(), Ok(()));
        assert_eq!(compare::<Option<Vec<u8>>, Option<Vec<u8>>>(), Ok(()));
    }

    #[test]
    fn a_difference_is_named_where_it_is() {
        #[derive(TypeInfo)]
        #[allow(dead_code, reason = "only its type is used")]
        struct Ours {
            price: u128,
            count: u32,
        }
        mod other {
            #[derive(scale_info::TypeInfo)]
            #[allow(dead_code, reason = "only its type is used")]
            pub struct Theirs {
                pub price: u128,
                pub count: u64,
            }
        }
        assert_eq!(
            compare::<Ours, other::Theirs>(),
            Err("count: this program expects u32, the node has u64".into())
        );
    }
}
