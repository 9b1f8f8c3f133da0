//! The file in which earlier versions kept the secrets of sealed bids: one record per line. It is read once.

use super::{SealedBid, StoreError, io_error};
use assay_types::JobId;
use serde::Deserialize;
use std::{collections::BTreeMap, fs, io, path::Path};

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", tag = "record")]
enum Record {
    Bid { job: JobId, price: String, salt: String },
    Closed { job: JobId },
}

/// The bids of the file that are not closed; `None` if there is no file. A last line that a crash cut off is dropped:
/// its bid was never sent.
pub(super) fn read(path: &Path) -> Result<Option<BTreeMap<JobId, SealedBid>>, StoreError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error(path)(error)),
    };
    let mut bids = BTreeMap::new();
    // What follows the last line feed was cut off.
    let complete = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    for (index, line) in text[..complete].split(|byte| *byte == b'\n').enumerate() {
        if line.is_empty() {
            continue;
        }
        let corrupt = || StoreError::Corrupt {
            path: path.into(),
            line: index + 1,
        };
        match serde_json::from_slice(line).map_err(|_| corrupt())? {
            Record::Bid { job, price, salt } => {
                let price = price.parse().map_err(|_| corrupt())?;
                let salt = hex::decode(salt)
                    .ok()
                    .and_then(|salt| salt.try_into().ok())
                    .ok_or_else(corrupt)?;
                bids.insert(job, SealedBid { price, salt });
            }
            Record::Closed { job } => {
                bids.remove(&job);
            }
        }
    }
    Ok(Some(bids))
}
