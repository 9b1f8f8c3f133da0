//! Roots of models from their parts, of which every one changes the root, and why no job may name a model with some.

use crate::{
    Blake2b,
    family::{Family, Numbered},
    graphs::{
        build::{N, affine, fixed, float, formula, graph},
        reason,
    },
    json::Json,
    parts,
    render::bytes,
};
use assay_exact::{
    bounded::Bounded,
    digest::DataType,
    graph::{
        Dimension, Formula, MAX_DIMENSION_TERMS, MAX_RANK, MAX_SYMBOLS, MAX_TENSORS, Monomial, Operator, Output, Value,
    },
    model::{MAX_TERMS, ModelParts, PartsError, Polynomial, Schema, SchemaError, SymbolRange, Term, ValueRange},
    quantise::Precision,
};
use codec::{Decode, Encode};

const FLOAT: DataType = DataType::Float32;

pub fn add(family: &mut Family, names: &mut Numbered) {
    let own = sound();
    assert_eq!(own.validate(), Ok(()));
    let mut all = vec![own.clone(), empty(), largest()];
    let mut changed = |change: &dyn Fn(&mut ModelParts)| {
        let mut parts = own.clone();
        change(&mut parts);
        all.push(parts);
    };
    heads(&mut changed);
    schemas(&mut changed);
    ranges(&mut changed);
    dimensions(&mut changed);
    polynomials(&mut changed);
    for of in &all {
        let error = of.validate().err().map(|error| reason::error(word(&error)));
        let fields = vec![
            ("parts", parts::parts(of)),
            ("encoded", bytes(&of.encode())),
            ("model_root", bytes(&of.root::<Blake2b>())),
            ("error", error.unwrap_or(Json::Null)),
        ];
        family.case("model_root", names.name("model_root"), fields);
    }
}

/// Why no job may name a model with these parts.
fn word(error: &PartsError) -> String {
    let schema = match error {
        PartsError::Definition { .. } => return "definition".into(),
        PartsError::Operators => return "operators".into(),
        PartsError::Outputs => return "outputs".into(),
        PartsError::Kind => return "kind".into(),
        PartsError::Polynomial => return "polynomial".into(),
        PartsError::TooLarge => return "too_large".into(),
        PartsError::Schema(error) => error,
    };
    let word = match schema {
        SchemaError::NoTensors => "no_tensors",
        SchemaError::UnknownSymbol => "unknown_symbol",
        SchemaError::UnboundSymbol => "unbound_symbol",
        SchemaError::EmptyRange => "empty_range",
        SchemaError::ZeroDimension => "zero_dimension",
        SchemaError::UnsoundDimension => "unsound_dimension",
        SchemaError::TooLarge => "too_large",
        SchemaError::ValueRange => "value_range",
        SchemaError::WrongNumberOfSymbols { .. }
        | SchemaError::SymbolOutOfRange { .. }
        | SchemaError::WrongSize { .. } => unreachable!("a schema alone has no values"),
    };
    format!("schema/{word}")
}

/// A lookup of `[s1]` tokens in a table, beside `[s0, 4]` numbers that are doubled; a weight is an output.
fn sound() -> ModelParts {
    let tokens = (DataType::Int32, vec![Dimension::Symbol(1)]);
    let twice = Operator::Concat { axis: 0 };
    let lookup = Operator::IndexSelect { axis: 0 };
    let mut graph = graph(
        &[float(&[N, Dimension::Fixed(4)]), tokens],
        &[(FLOAT, &[9, 3])],
        vec![
            (twice, vec![Value::Input(0), Value::Input(0)]),
            (lookup, vec![Value::Weight(0), Value::Input(1)]),
        ],
    );
    graph.symbols[0].name = "caf\u{e9}".into();
    graph.inputs[1].range = Some(ValueRange { min: -9, max: 8 });
    let more = [("doubled", Value::Node(0)), ("table", Value::Weight(0))];
    graph.outputs.extend(more.map(|(name, value)| Output {
        name: name.into(),
        value,
    }));
    let checked = graph.check().expect("the graph is sound");
    let parts = ModelParts::new::<Blake2b>(&checked, [3; 32], Precision::Int16, [4; 32]);
    parts.expect("the graph is small")
}

/// Lists without anything in them.
fn empty() -> ModelParts {
    ModelParts {
        outputs: Bounded::default(),
        schema: Schema {
            symbols: Bounded::default(),
            inputs: Bounded::default(),
            outputs: Bounded::default(),
        },
        work: Polynomial::default(),
        trace_bytes: Polynomial::default(),
        ..sound()
    }
}

/// As much in every list as there may be; the longest dimensions are those of one output.
fn largest() -> ModelParts {
    let mut parts = sound();
    let term = Monomial {
        coefficient: i32::MIN,
        powers: [u8::MAX; MAX_SYMBOLS],
    };
    let formula = Formula::new(&[term; MAX_DIMENSION_TERMS]).expect("as many terms as there may be");
    let dimension = Dimension::Computed(formula);
    let mut tensor = parts.schema.inputs[1].clone();
    tensor.name = bounded(vec![0xff; 64]);
    tensor.dimensions = bounded(vec![Dimension::Fixed(u32::MAX); MAX_RANK]);
    tensor.range = Some(ValueRange {
        min: i64::MIN,
        max: i64::MAX,
    });
    let symbol = SymbolRange {
        name: bounded(vec![0; 64]),
        min: u32::MAX,
        max: 0,
    };
    let term = Term {
        coefficient: u64::MAX,
        powers: [u8::MAX; MAX_SYMBOLS],
    };
    parts.definition = u32::MAX;
    parts.head.operators = u32::MAX;
    parts.outputs = bounded(vec![Value::Node(u32::MAX); MAX_TENSORS]);
    parts.schema.symbols = bounded(vec![symbol; MAX_SYMBOLS]);
    parts.schema.inputs = bounded(vec![tensor.clone(); MAX_TENSORS]);
    let mut outputs = vec![tensor; MAX_TENSORS];
    outputs[0].dimensions = bounded(vec![dimension; MAX_RANK]);
    parts.schema.outputs = bounded(outputs);
    parts.work = polynomial(vec![term; MAX_TERMS]);
    parts.trace_bytes = parts.work.clone();
    parts
}

type Changed<'a> = &'a mut dyn FnMut(&dyn Fn(&mut ModelParts));

fn heads(changed: Changed<'_>) {
    for definition in [0, 2] {
        changed(&|parts| parts.definition = definition);
    }
    // Two operators is what the graph has; an output names the second one.
    for operators in [0, 1, 3, 65_535, 65_536] {
        changed(&|parts| parts.head.operators = operators);
    }
    changed(&|parts| parts.head.nodes_root[0] ^= 1);
    changed(&|parts| parts.head.weights_root[31] ^= 128);
    changed(&|parts| parts.manifest_hash[7] ^= 16);
    changed(&|parts| parts.precision = Precision::Int8);
    for value in [
        Value::Node(0),
        Value::Node(2),
        Value::Weight(0),
        Value::Weight(u16::MAX),
        Value::Input(0),
    ] {
        changed(&|parts| edit(&mut parts.outputs, |outputs| outputs[0] = value));
    }
    changed(&|parts| edit(&mut parts.outputs, |outputs| outputs.truncate(2)));
    changed(&|parts| edit(&mut parts.outputs, |outputs| outputs.push(Value::Node(0))));
    changed(&|parts| edit(&mut parts.outputs, |outputs| outputs.swap(0, 1)));
}

fn schemas(changed: Changed<'_>) {
    // A symbol that no input has.
    changed(&|parts| edit(&mut parts.schema.symbols, |symbols| symbols.push(symbols[0].clone())));
    changed(&|parts| edit(&mut parts.schema.symbols, |symbols| symbols[0].name = name("cafe")));
    changed(&|parts| {
        edit(&mut parts.schema.symbols, |symbols| {
            symbols[0].name = bounded(vec![0xff])
        })
    });
    changed(&|parts| edit(&mut parts.schema.inputs, |inputs| inputs[0].name = name("")));
    changed(&|parts| edit(&mut parts.schema.outputs, |outputs| outputs[1].name = name("other")));
    changed(&|parts| edit(&mut parts.schema.inputs, |inputs| inputs[0].data_type = DataType::Uint8));
    changed(&|parts| {
        edit(&mut parts.schema.outputs, |outputs| {
            outputs[2].data_type = DataType::Int8
        })
    });
    changed(&|parts| edit(&mut parts.schema.inputs, |inputs| inputs.swap(0, 1)));
    changed(&|parts| edit(&mut parts.schema.inputs, |inputs| inputs.clear()));
    changed(&|parts| {
        parts.outputs = Bounded::default();
        parts.schema.outputs = Bounded::default();
    });
    for (min, max) in [(2, 5), (1, 4), (5, 5), (0, 5), (6, 5), (0, 0)] {
        changed(&|parts| {
            edit(&mut parts.schema.symbols, |symbols| {
                (symbols[0].min, symbols[0].max) = (min, max);
            });
        });
    }
    // A symbol that no input has is no fault here, and one that there is not is one.
    changed(&|parts| {
        edit(&mut parts.schema.inputs, |inputs| {
            inputs[1].dimensions = bounded(vec![N])
        })
    });
    for symbol in [2, u8::MAX] {
        changed(&|parts| {
            edit(&mut parts.schema.inputs, |inputs| {
                inputs[1].dimensions = bounded(vec![Dimension::Symbol(symbol)]);
            });
        });
    }
}

fn ranges(changed: Changed<'_>) {
    changed(&|parts| edit(&mut parts.schema.inputs, |inputs| inputs[1].range = None));
    for (dtype, min, max) in [
        (DataType::Int32, -9, 7),
        (DataType::Int32, 8, 8),
        (DataType::Int32, 8, 7),
        (DataType::Int32, i32::MIN.into(), i32::MAX.into()),
        (DataType::Int32, i64::from(i32::MIN) - 1, 0),
        (DataType::Int32, 0, i64::from(i32::MAX) + 1),
        (DataType::Int64, i64::MIN, i64::MAX),
        (DataType::Int8, -128, 127),
        (DataType::Int8, -129, 127),
        (DataType::Int8, -128, 128),
        (DataType::Uint8, 0, 255),
        (DataType::Uint8, -1, 255),
        (DataType::Uint8, 0, 256),
        (DataType::Bool, 0, 1),
        (FLOAT, 0, 1),
    ] {
        changed(&|parts| {
            edit(&mut parts.schema.inputs, |inputs| {
                (inputs[1].data_type, inputs[1].range) = (dtype, Some(ValueRange { min, max }));
            });
        });
    }
    changed(&|parts| {
        edit(&mut parts.schema.outputs, |outputs| {
            (outputs[0].data_type, outputs[0].range) = (DataType::Int64, Some(ValueRange { min: 0, max: 1 }));
        });
    });
}

fn dimensions(changed: Changed<'_>) {
    let input = |dimensions: &[Dimension]| {
        let dimensions = dimensions.to_vec();
        move |parts: &mut ModelParts| {
            edit(&mut parts.schema.inputs, |inputs| {
                inputs[0].dimensions = bounded(dimensions.clone())
            });
        }
    };
    let output = |dimensions: &[Dimension]| {
        let dimensions = dimensions.to_vec();
        move |parts: &mut ModelParts| {
            edit(&mut parts.schema.outputs, |outputs| {
                outputs[0].dimensions = bounded(dimensions.clone());
            });
        }
    };
    changed(&input(&[]));
    changed(&input(&fixed(&[4, 0])));
    changed(&input(&[N, affine(2, 0)]));
    changed(&input(&[affine(1, 0)]));
    changed(&output(&fixed(&[0])));
    changed(&output(&[Dimension::Symbol(9)]));
    // The symbol is 1 to 5.
    for dimension in [
        affine(1, 0),
        affine(0, 3),
        affine(1, -1),
        affine(2, -1),
        affine(1, -5),
        affine(1, -6),
        affine((u32::MAX / 5) as i32, 0),
        affine((u32::MAX / 5) as i32, 1),
        affine(i32::MAX, 0),
        // Both symbols are 1 to 5.
        formula(&[(1, &[1]), (1, &[0])]),
        formula(&[(1, &[0]), (1, &[1])]),
        formula(&[(1, &[0]), (1, &[0])]),
        formula(&[(1, &[]), (1, &[0, 1])]),
        formula(&[(-1, &[1]), (1, &[0])]),
        formula(&[(5, &[]), (-1, &[1]), (1, &[0])]),
        formula(&[(-1, &[0]), (1, &[0, 0])]),
        formula(&[(1, &[0; 32])]),
        formula(&[(2, &[0, 2])]),
        formula(&[]),
    ] {
        changed(&output(&[dimension]));
    }
    // The inputs have fewer than 2^64 bytes together, and so have the outputs.
    let large = [1 << 31, 1 << 30].map(Dimension::Fixed);
    changed(&input(&large));
    changed(&output(&large));
    for times in [2, 4, 8] {
        changed(&input(&[&large[..], &[Dimension::Fixed(times)]].concat()));
    }
    changed(&|parts| {
        edit(&mut parts.schema.outputs, |outputs| {
            for output in outputs.iter_mut().take(2) {
                output.dimensions = bounded(vec![large[0], large[1], Dimension::Fixed(1)]);
                output.data_type = DataType::Int64;
            }
        });
    });
}

fn polynomials(changed: Changed<'_>) {
    let term = |coefficient, first: [u8; 2]| Term {
        coefficient,
        powers: [first[0], first[1], 0, 0, 0, 0, 0, 0],
    };
    let third = Term {
        coefficient: 1,
        powers: [0, 0, 1, 0, 0, 0, 0, 0],
    };
    // Both symbols are 1 to 5.
    for terms in [
        vec![],
        vec![term(7, [0, 0])],
        vec![term(1, [0, 1]), term(1, [1, 0])],
        vec![term(1, [1, 0]), term(1, [0, 1])],
        vec![term(1, [1, 0]), term(2, [1, 0])],
        vec![term(0, [1, 0])],
        vec![third],
        vec![term(1 << 42, [0, 0])],
        vec![term((1 << 42) + 1, [0, 0])],
        vec![term((1 << 42) / 5, [1, 0])],
        vec![term((1 << 42) / 5 + 1, [1, 0])],
        vec![term(1 << 56, [0, 0])],
        vec![term((1 << 56) - 25, [0, 0]), term(1, [1, 1])],
        vec![term((1 << 56) - 24, [0, 0]), term(1, [1, 1])],
        vec![term(u64::MAX, [0, 0]), term(1, [1, 0])],
        vec![term(1, [u8::MAX, u8::MAX])],
    ] {
        changed(&|parts| parts.work = polynomial(terms.clone()));
        changed(&|parts| parts.trace_bytes = polynomial(terms.clone()));
    }
}

fn polynomial(terms: Vec<Term>) -> Polynomial {
    Polynomial::decode(&mut &*terms.encode()).expect("few terms")
}

fn name(text: &str) -> Bounded<u8, 64> {
    bounded(text.as_bytes().to_vec())
}

fn bounded<T, const MAX: u32>(elements: Vec<T>) -> Bounded<T, MAX> {
    Bounded::new(elements).unwrap_or_else(|| panic!("more than {MAX} elements"))
}

fn edit<T: Clone, const MAX: u32>(list: &mut Bounded<T, MAX>, change: impl FnOnce(&mut Vec<T>)) {
    let mut elements = list.to_vec();
    change(&mut elements);
    *list = bounded(elements);
}
