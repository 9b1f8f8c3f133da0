//! A gateway over the fake backend, for trying clients: `fake-gateway [ADDRESS]`, 127.0.0.1:0 by default.
//!
//! It prints its address and two keys, one with money and one without, and serves until its standard input is closed.

use assay_gateway::{
    Gateway, GatewayConfig,
    fake::Fake,
    ledger::{KeyLimits, now},
    money::Amount,
};
use std::{io::Read, sync::Arc};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let folder = std::env::temp_dir().join(format!("assay-fake-gateway-{}", std::process::id()));
    let config = GatewayConfig {
        listen: address.parse()?,
        folder: folder.clone(),
        ..GatewayConfig::default()
    };
    tokio::runtime::Runtime::new()?.block_on(async {
        let gateway = Gateway::start(config, Arc::new(Fake::default()))?;
        println!("http://{}", gateway.address());
        if let Some(ledger) = &gateway.app().ledger {
            for balance in [1_000_000_000_000_000, 0] {
                let key = ledger
                    .store()
                    .add_key("example", Some(Amount(balance)), KeyLimits::default(), now())?;
                println!("{}", key.1.reveal());
            }
        }
        let closed = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
        closed.await??;
        gateway.shutdown().await;
        std::fs::remove_dir_all(folder)?;
        Ok(())
    })
}
