//! The float tier: TorchScript modules as they are, run by libtorch. Their outputs are **not judgeable**.
//!
//! An answer of this tier depends on the device, the library and the order of additions, so no court can say who is
//! right, and nobody's stake is ever slashed for it. A buyer compares the answers of several workers within a
//! [`Tolerance`], and asks for its money back where they differ.
//!
//! Nothing here makes a claim. A module has a [`ModuleDigest`], which is no model root: its hash has a domain of its
//! own, and no type of the exact tier is made of it. An [`Answer`] has no digest at all.
//!
//! A module is a program: libtorch executes what it says. Run those alone whose author you trust.

use crate::{TorchOptions, array::kind};
use assay_ops::tensor::{Blake2b256, DataType, Digest, Hash256, Tensor};
use std::fmt;
use tch::{CModule, IValue, Kind, TchError};

/// First bytes of what a module's digest is the hash of. The exact tier has no such domain.
const DOMAIN: &[u8] = b"assay/float-tier/not-judgeable/module/1";
/// Most bytes of a module: 4 GiB.
const MAX_MODULE_BYTES: usize = 1 << 32;
/// Most outputs of a module, with those in lists and tuples.
const MAX_OUTPUTS: usize = 256;

/// Why the float tier did not answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum FloatError {
    /// The module is too large to be loaded.
    ModuleTooLarge {
        /// Bytes of the module.
        bytes: usize,
    },
    /// libtorch does not take the module, or failed in it.
    Libtorch(String),
    /// The module gives something other than tensors, or lists and tuples of them.
    Output(String),
    /// A tolerance is negative, infinite or NaN.
    Tolerance,
}

impl fmt::Display for FloatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ModuleTooLarge { bytes } => write!(
                f,
                "the module has {bytes} bytes, and the float tier takes {MAX_MODULE_BYTES}: split the model"
            ),
            Self::Libtorch(reason) => write!(
                f,
                "libtorch failed: {reason} (the float tier runs TorchScript, as torch.jit.save writes it)"
            ),
            Self::Output(what) => write!(
                f,
                "the module gives {what}: let forward return tensors, or lists and tuples of them"
            ),
            Self::Tolerance => write!(f, "a tolerance is a number that is neither negative nor infinite"),
        }
    }
}

impl std::error::Error for FloatError {}

impl From<TchError> for FloatError {
    fn from(error: TchError) -> Self {
        Self::Libtorch(error.to_string())
    }
}

/// Digest of a module's bytes. It names a module of the float tier and is no root of a model: it cannot be registered
/// or claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ModuleDigest(Digest);

impl ModuleDigest {
    /// The digest of a module's bytes.
    pub fn of(module: &[u8]) -> Self {
        Self(Blake2b256::hash(&[DOMAIN, module].concat()))
    }
}

impl fmt::Display for ModuleDigest {
    /// `float:` and 64 hexadecimal digits, which no reader of roots takes for one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "float:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A TorchScript module on a device.
#[derive(Debug)]
pub struct FloatModule {
    module: CModule,
    digest: ModuleDigest,
    options: TorchOptions,
}

/// Outputs of a module: not judgeable. They are tensors and no claim.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    outputs: Vec<Tensor>,
}

impl Answer {
    /// The outputs in the module's order, those in lists and tuples one after the other.
    pub fn outputs(&self) -> &[Tensor] {
        &self.outputs
    }
}

impl FloatModule {
    /// Loads what `torch.jit.save` wrote.
    pub fn load(bytes: &[u8], options: TorchOptions) -> Result<Self, FloatError> {
        if bytes.len() > MAX_MODULE_BYTES {
            return Err(FloatError::ModuleTooLarge { bytes: bytes.len() });
        }
        let mut module = CModule::load_data_on_device(&mut &*bytes, options.device.to_tch())?;
        module.f_set_eval()?;
        Ok(Self {
            module,
            digest: ModuleDigest::of(bytes),
            options,
        })
    }

    /// The digest of the module's bytes.
    pub fn digest(&self) -> ModuleDigest {
        self.digest
    }

    /// Runs `forward` on these tensors, one for each of its parameters.
    pub fn run(&self, inputs: &[Tensor]) -> Result<Answer, FloatError> {
        let _no_gradients = tch::no_grad_guard();
        self.options.set_threads();
        let inputs = inputs.iter().map(|input| {
            let shape: Vec<i64> = input.shape().iter().map(|length| i64::from(*length)).collect();
            let tensor = tch::Tensor::f_from_data_size(input.bytes(), &shape, kind(input.dtype()))?;
            Ok(IValue::Tensor(tensor.f_to_device(self.options.device.to_tch())?))
        });
        let inputs = inputs.collect::<Result<Vec<_>, TchError>>()?;
        let mut outputs = Vec::new();
        collect(self.module.forward_is(&inputs)?, &mut outputs)?;
        Ok(Answer { outputs })
    }
}

/// Adds the tensors of a value, in their order.
fn collect(value: IValue, outputs: &mut Vec<Tensor>) -> Result<(), FloatError> {
    match value {
        IValue::Tensor(tensor) if outputs.len() < MAX_OUTPUTS => outputs.push(output(&tensor)?),
        IValue::TensorList(tensors) if outputs.len() + tensors.len() <= MAX_OUTPUTS => {
            for tensor in tensors {
                outputs.push(output(&tensor)?);
            }
        }
        IValue::Tuple(values) | IValue::GenericList(values) => {
            for value in values {
                collect(value, outputs)?;
            }
        }
        IValue::Tensor(_) | IValue::TensorList(_) => {
            return Err(FloatError::Output(format!("more than {MAX_OUTPUTS} tensors")));
        }
        _ => return Err(FloatError::Output("something that is no tensor".to_owned())),
    }
    Ok(())
}

/// A tensor as jobs carry them. Numbers of other widths become binary32, which rounds those of binary64.
fn output(tensor: &tch::Tensor) -> Result<Tensor, FloatError> {
    let dtype = match tensor.f_kind()? {
        Kind::Float | Kind::Half | Kind::BFloat16 | Kind::Double => DataType::Float32,
        Kind::Int64 => DataType::Int64,
        Kind::Int | Kind::Int16 => DataType::Int32,
        Kind::Int8 => DataType::Int8,
        Kind::Uint8 => DataType::Uint8,
        Kind::Bool => DataType::Bool,
        other => return Err(FloatError::Output(format!("a tensor of {other:?}"))),
    };
    let lengths = tensor.size().into_iter().map(u32::try_from);
    let shape = lengths.collect::<Result<Vec<u32>, _>>();
    let shape = shape.map_err(|_| FloatError::Output("a tensor with more than 2^32 rows".to_owned()))?;
    let elements = tensor.numel();
    let mut bytes = vec![0; elements * dtype.size_bytes()];
    tensor
        .f_to_kind(kind(dtype))?
        .f_contiguous()?
        .f_to_device(tch::Device::Cpu)?
        .f_copy_data_u8(&mut bytes, elements)?;
    Tensor::new(dtype, shape, bytes).map_err(|error| FloatError::Output(error.to_string()))
}

/// Maximum distance of two answers: `|a − b| ≤ absolute + relative · max(|a|, |b|)` for each number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    absolute: f64,
    relative: f64,
}

/// Whether two answers of the float tier are within a tolerance. It decides about a refund, never about a stake.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Agreement {
    /// Every element is within the tolerance.
    Within,
    /// The answers differ in the number, types or shapes of their outputs.
    OtherShapes,
    /// The first element that is beyond the tolerance.
    Beyond {
        /// Position of the output.
        output: usize,
        /// Position of the element, in row-major order.
        element: usize,
    },
}

impl Tolerance {
    /// Both parts are at least 0 and finite.
    pub fn new(absolute: f64, relative: f64) -> Result<Self, FloatError> {
        let sound = |part: f64| part.is_finite() && part >= 0.0;
        match sound(absolute) && sound(relative) {
            true => Ok(Self { absolute, relative }),
            false => Err(FloatError::Tolerance),
        }
    }

    /// Compares two answers. Elements that are no numbers must be the same; NaN agrees with NaN alone, and an infinity
    /// with itself.
    pub fn compare(&self, a: &Answer, b: &Answer) -> Agreement {
        let layout = |tensor: &Tensor| (tensor.dtype(), tensor.shape().to_vec());
        let layouts = |answer: &Answer| answer.outputs.iter().map(layout).collect::<Vec<_>>();
        if layouts(a) != layouts(b) {
            return Agreement::OtherShapes;
        }
        for (output, (a, b)) in a.outputs.iter().zip(&b.outputs).enumerate() {
            let size = a.dtype().size_bytes();
            let pairs = a.bytes().chunks_exact(size).zip(b.bytes().chunks_exact(size));
            let is_number = a.dtype() == DataType::Float32;
            let beyond = |(a, b): (&[u8], &[u8])| a != b && !(is_number && self.holds(number(a), number(b)));
            if let Some(element) = pairs.into_iter().position(beyond) {
                return Agreement::Beyond { output, element };
            }
        }
        Agreement::Within
    }

    fn holds(&self, a: f64, b: f64) -> bool {
        if a.is_nan() || b.is_nan() {
            return a.is_nan() && b.is_nan();
        }
        if a.is_infinite() || b.is_infinite() {
            return a == b;
        }
        (a - b).abs() <= self.absolute + self.relative * a.abs().max(b.abs())
    }
}

/// The number that four bytes are.
fn number(bytes: &[u8]) -> f64 {
    bytes
        .try_into()
        .map_or(f64::NAN, |bytes| f64::from(f32::from_le_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Device;
    use std::num::NonZeroUsize;

    fn options() -> TorchOptions {
        TorchOptions {
            device: Device::Cpu,
            threads: NonZeroUsize::MIN,
        }
    }

    /// A traced module that gives the square of each number.
    fn module(name: &str) -> Vec<u8> {
        let example = [tch::Tensor::from_slice(&[1f32, 2.0])];
        let mut forward = |inputs: &[tch::Tensor]| vec![&inputs[0] * &inputs[0]];
        let traced = CModule::create_by_tracing(name, "forward", &example, &mut forward).expect("it is traced");
        let path = std::env::temp_dir().join(format!("assay-float-{name}-{}.pt", std::process::id()));
        traced.save(&path).expect("the folder is there");
        let bytes = std::fs::read(&path).expect("it was written");
        std::fs::remove_file(&path).expect("it was written");
        bytes
    }

    fn tensor(numbers: &[f32]) -> Tensor {
        let bytes = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        Tensor::new(DataType::Float32, vec![numbers.len() as u32], bytes).expect("as many numbers")
    }

    fn answer(numbers: &[f32]) -> Answer {
        Answer {
            outputs: vec![tensor(numbers)],
        }
    }

    #[test]
    fn module_is_run_as_it_is() {
        let loaded = FloatModule::load(&module("square"), options()).expect("a module");
        let given = loaded.run(&[tensor(&[3.0, -0.5])]).expect("it takes one tensor");
        assert_eq!(given, answer(&[9.0, 0.25]));
        assert!(matches!(loaded.run(&[]), Err(FloatError::Libtorch(_))));
    }

    #[test]
    fn bytes_that_are_no_module_are_refused() {
        for bytes in [&b""[..], b"PK\x03\x04 and no archive", &[0; 4096]] {
            assert!(matches!(
                FloatModule::load(bytes, options()),
                Err(FloatError::Libtorch(_))
            ));
        }
    }

    #[test]
    fn digest_of_a_module_is_no_hash_of_its_bytes_and_does_not_look_like_a_root() {
        let digest = ModuleDigest::of(b"module");
        assert_ne!(digest.0, Blake2b256::hash(b"module"));
        assert_ne!(digest, ModuleDigest::of(b"module "));
        let shown = digest.to_string();
        assert!(shown.starts_with("float:") && shown.len() == 70);
    }

    #[test]
    fn answers_within_the_tolerance_agree() {
        let tolerance = Tolerance::new(1e-6, 1e-3).expect("sound");
        assert_eq!(
            tolerance.compare(&answer(&[1000.0]), &answer(&[1000.9])),
            Agreement::Within
        );
        let beyond = Agreement::Beyond { output: 0, element: 1 };
        assert_eq!(tolerance.compare(&answer(&[0.0, 1.0]), &answer(&[0.0, 1.01])), beyond);
        assert_eq!(
            tolerance.compare(&answer(&[1.0]), &answer(&[1.0, 1.0])),
            Agreement::OtherShapes
        );
        assert_eq!(
            tolerance.compare(&answer(&[]), &Answer { outputs: vec![] }),
            Agreement::OtherShapes
        );
    }

    #[test]
    fn nan_and_infinity_are_within_no_tolerance_of_a_number() {
        let tolerance = Tolerance::new(1e30, 1.0).expect("sound");
        let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
        for (index, x) in odd.iter().enumerate() {
            for (other, y) in odd.iter().chain(&[1.0, f32::MAX]).enumerate() {
                let agree = tolerance.compare(&answer(&[*x]), &answer(&[*y])) == Agreement::Within;
                assert_eq!(agree, index == other, "{x} and {y}");
            }
        }
    }

    #[test]
    fn tolerance_that_everything_is_within_is_refused() {
        for (absolute, relative) in [(f64::INFINITY, 0.0), (0.0, f64::NAN), (-1.0, 0.0)] {
            assert!(matches!(Tolerance::new(absolute, relative), Err(FloatError::Tolerance)));
        }
    }
}
