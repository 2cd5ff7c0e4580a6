//! OpenSSL's own RSA verification on the same core, for the ratio of the sandboxed one.

use anyhow::{Context as _, Result};
use testbed::process::output;
use testbed::tools::{OPENSSL, Tools};

use crate::cores::Cores;

/// Microseconds one verification takes, by key size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verification {
    /// RSA-2048.
    pub rsa_2048: f64,
    /// RSA-4096.
    pub rsa_4096: f64,
}

/// Runs `openssl speed`, which takes four seconds.
///
/// # Errors
/// When it fails or prints nothing that can be read.
pub fn measure(tools: &Tools, cores: Cores) -> Result<Verification> {
    let openssl = tools.ensure(&OPENSSL)?;
    let mut command = cores.command(tools, &cores.envoy.to_string(), &openssl)?;
    command.args(["speed", "-mr", "-seconds", "1", "rsa2048", "rsa4096"]);
    let text = output(&mut command)?;
    read(&text).with_context(|| format!("openssl speed printed no verification times:\n{text}"))
}

fn read(text: &str) -> Option<Verification> {
    Some(Verification {
        rsa_2048: line(text, "2048")?,
        rsa_4096: line(text, "4096")?,
    })
}

/// `+F2:NUMBER:BITS:SIGN:VERIFY`. OpenSSL 1.1 gives seconds for one operation, OpenSSL 3 operations a
/// second.
fn line(text: &str, bits: &str) -> Option<f64> {
    let mut fields = text
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .filter(|fields| fields.len() == 5);
    let found = fields.find_map(|fields| match fields.as_slice() {
        ["+F2", _, size, _, verify] if *size == bits => Some((*verify).to_owned()),
        _ => None,
    })?;
    let value: f64 = found.parse().ok()?;
    let seconds = if value < 1.0 { value } else { 1.0 / value };
    (seconds > 0.0).then_some(seconds * 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_the_output() {
        let rates = "version: 3.0\n+F2:2:2048:4000.0:50000.0\n+F2:4:4096:250.0:16000.0\n";
        let times = "+F2:2:2048:0.000250:0.000020\n+F2:4:4096:0.004000:0.0000625\n";
        for text in [rates, times] {
            let found = read(text).unwrap();
            assert_eq!(found.rsa_2048.round(), 20.0);
            assert_eq!(found.rsa_4096, 62.5);
        }
        for wrong in ["", "+F2:2:2048:1:2\n", "+F2:2:2048:1:x\n+F2:4:4096:1:2\n"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
