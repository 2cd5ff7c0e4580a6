//! What all measurements share: programs, keys, a folder that goes away, the load generator.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use edgectl::Parties;
use serde_json::{Value, json};
use testbed::artifact;
use testbed::process::Folder;
use testbed::tools::Tools;

use crate::bootstrap::{Behind, Filter};
use crate::chain::Bits;
use crate::compare::Build;
use crate::cores::Cores;
use crate::load::Loader;
use crate::proxy::{Proxy, Settings};
use crate::tokens::Signer;

/// The function through which the host verifies signatures; a host that withholds it is one on
/// which the sandbox has to.
pub const HOST_SIGNATURES: &str = "proxy_call_foreign_function";

/// Everything a measurement needs.
#[derive(Debug)]
pub struct Lab {
    /// Programs.
    pub tools: Tools,
    /// Where files of this run go; removed with it.
    pub folder: Folder,
    /// Who runs where.
    pub cores: Cores,
    /// The load generator.
    pub loader: Loader,
    /// The filter, as built now.
    pub filter: PathBuf,
    /// The filter that does nothing.
    pub nothing: PathBuf,
    rsa_2048: Signer,
    rsa_4096: Signer,
}

impl Lab {
    /// Installs what is missing, builds both modules and makes two keys. A given
    /// `build` takes the place of the workspace's filter, which is then not built.
    ///
    /// # Errors
    /// When something cannot be had; the message says how to have it.
    pub fn open(tools: Tools, nice: i32, build: Option<Build>) -> Result<Self> {
        let cores = Cores::choose(nice)?;
        let folder = Folder::temporary("registry-token-filter-bench-")?;
        let loader = Loader::new(&tools, cores, folder.path())?;
        let filter = match build {
            Some(build) => build.module,
            None => artifact::filter(&tools)?,
        };
        let nothing = artifact::module(&tools, "nothing", "building the do-nothing filter")?;
        let progress = *tools.progress();
        let mut keys = Vec::new();
        progress.step("making keys of 2048 and 4096 bits", || {
            keys = [Bits::B2048, Bits::B4096]
                .map(|bits| Signer::generate(bits.number()))
                .into();
            Ok(())
        })?;
        let mut keys = keys.into_iter();
        let mut next = || keys.next().context("two keys were made")?;
        Ok(Self {
            rsa_2048: next()?,
            rsa_4096: next()?,
            tools,
            folder,
            cores,
            loader,
            filter,
            nothing,
        })
    }

    /// The key of a size.
    #[must_use]
    pub fn signer(&self, bits: Bits) -> &Signer {
        match bits {
            Bits::B2048 => &self.rsa_2048,
            Bits::B4096 => &self.rsa_4096,
        }
    }

    /// Both keys as a JWKS.
    ///
    /// # Errors
    /// When a certificate cannot be read back.
    pub fn jwks(&self) -> Result<Value> {
        Ok(json!({"keys": [self.rsa_2048.jwk()?, self.rsa_4096.jwk()?]}))
    }

    /// Both keys as certificates.
    #[must_use]
    pub fn bundle(&self) -> String {
        format!(
            "{}{}",
            self.rsa_2048.certificate(),
            self.rsa_4096.certificate()
        )
    }

    /// Starts an Envoy on Envoy's core, with one worker and an answer of its own.
    ///
    /// # Errors
    /// As [`Proxy::start`].
    pub fn proxy(&self, name: &str, filter: Filter<'_>) -> Result<Proxy> {
        let settings = Settings {
            name,
            filter,
            behind: Behind::DirectResponse,
            concurrency: 1,
            pinned: self.cores,
            cores: self.cores.envoy.to_string(),
        };
        Proxy::start(&self.tools, self.folder.path(), &settings)
    }
}

/// The filter's configuration with these certificates; `token_cache` are its limits, in entries and
/// bytes.
#[must_use]
pub fn configuration(bundle: &str, token_cache: Option<(usize, usize)>) -> String {
    let parties = Parties::default();
    let mut configuration = json!({
        "realm": "https://gitlab.example.com/jwt/auth",
        "service": parties.service,
        "issuer": parties.issuer,
        "rootcertbundle": bundle,
    });
    if let (Some((entries, bytes)), Some(members)) = (token_cache, configuration.as_object_mut()) {
        members.insert("token_cache_entries".to_owned(), entries.into());
        members.insert("token_cache_bytes".to_owned(), bytes.into());
    }
    configuration.to_string()
}
