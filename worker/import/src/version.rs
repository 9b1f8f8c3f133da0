//! The versions of archives, programs and operators that the import was made for. Others may mean something else by the
//! same words, so they are refused.

use crate::{error::ImportError, program::ProgramVersions};
use std::ops::RangeInclusive;

/// The releases of torch whose archives are imported. Torch 2.8 pickles the weights, which only a program could read.
pub(super) const TORCH_RELEASES: &str = "2.9 to 2.11";
const TORCH_MAJOR: u32 = 2;
const TORCH_MINORS: RangeInclusive<u32> = 9..=11;
/// The schema of the program, `SCHEMA_VERSION` in `torch/_export/serde/schema.py`: 8.14 in torch 2.9, 8.17 in torch
/// 2.11.
const SCHEMA_MAJOR: u32 = 8;
const SCHEMA_MINORS: RangeInclusive<u32> = 14..=17;
/// Version of ATen's operators, the same in all of these releases.
const ATEN_OPSET: i64 = 10;
/// Version of the archive's layout, the same in all of these releases.
const ARCHIVE: &str = "0";

/// Refuses the layout of another archive.
pub(super) fn check_archive(found: &str) -> Result<(), ImportError> {
    compare(
        "the archive's version",
        found == ARCHIVE,
        found.to_owned(),
        ARCHIVE.to_owned(),
    )
}

/// Refuses a program of another schema, of other operators, or by another torch.
pub(super) fn check_program(program: &ProgramVersions) -> Result<(), ImportError> {
    let schema = &program.schema_version;
    compare(
        "the program's schema version",
        schema.major == SCHEMA_MAJOR && SCHEMA_MINORS.contains(&schema.minor),
        format!("{}.{}", schema.major, schema.minor),
        format!(
            "{SCHEMA_MAJOR}.{} to {SCHEMA_MAJOR}.{}",
            SCHEMA_MINORS.start(),
            SCHEMA_MINORS.end()
        ),
    )?;
    let opset = program.opset_version.get("aten");
    compare(
        "the version of the program's ATen operators",
        opset == Some(&ATEN_OPSET),
        opset.map_or_else(|| "not given".to_owned(), i64::to_string),
        ATEN_OPSET.to_string(),
    )?;
    let torch = program.torch_version.as_deref();
    compare(
        "the version of torch that exported the program",
        torch.is_some_and(is_known_torch),
        torch.unwrap_or("not given").to_owned(),
        TORCH_RELEASES.to_owned(),
    )
}

fn compare(what: &'static str, is_supported: bool, found: String, supported: String) -> Result<(), ImportError> {
    if is_supported {
        return Ok(());
    }
    Err(ImportError::Version { what, found, supported })
}

/// Whether this is a release such as `2.11.0+cu130` that is supported.
fn is_known_torch(version: &str) -> bool {
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().ok());
    numbers.next().flatten() == Some(TORCH_MAJOR)
        && numbers
            .next()
            .flatten()
            .is_some_and(|minor| TORCH_MINORS.contains(&minor))
}
