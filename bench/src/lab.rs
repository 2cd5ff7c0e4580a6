//! What all measurements share: programs, keys, a folder that goes away, the load generator.

use std::cell::RefCell;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use edgectl::Parties;
use serde_json::{Value, json};
use testbed::artifact;
use testbed::envoy;
use testbed::process::Folder;
use testbed::tools::{Tool, Tools};

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
    /// The Envoy under measurement.
    pub envoy: &'static Tool,
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
    /// RSA-2048 tokens made so far: the longest series and the memory readings share theirs.
    tokens: RefCell<Vec<String>>,
}

/// Where the modules come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Modules {
    /// They are built now.
    Build,
    /// They were built by an earlier run.
    Built,
}

impl Lab {
    /// Installs what is missing, builds both modules and makes two keys. A given
    /// `build` takes the place of the workspace's filter, which is then not built.
    ///
    /// # Errors
    /// When something cannot be had; the message says how to have it.
    pub fn open(tools: Tools, nice: i32, build: Option<Build>, modules: Modules) -> Result<Self> {
        let cores = Cores::choose(nice)?;
        let folder = Folder::temporary("registry-token-filter-bench-")?;
        let loader = Loader::new(&tools, cores, folder.path())?;
        let nothing = match modules {
            Modules::Build => {
                artifact::module(&tools, "nothing", "building the do-nothing filter")?
            }
            Modules::Built => built("nothing")?,
        };
        let filter = match (build, modules) {
            (Some(build), _) => build.module,
            (None, Modules::Build) => artifact::filter(&tools)?,
            (None, Modules::Built) => built("registry_token_filter.envoy")?,
        };
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
            tokens: RefCell::default(),
            tools,
            folder,
            envoy: envoy::chosen()?,
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

    /// This many distinct tokens of the RSA-2048 key.
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub fn tokens(&self, count: usize) -> Result<Vec<String>> {
        let mut tokens = self.tokens.borrow_mut();
        let missing = count.saturating_sub(tokens.len());
        tokens.extend(self.rsa_2048.tokens(missing)?);
        Ok(tokens.iter().take(count).cloned().collect())
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
            envoy: self.envoy,
            filter,
            behind: Behind::DirectResponse,
            concurrency: 1,
            pinned: self.cores,
            cores: self.cores.envoy.to_string(),
        };
        Proxy::start(&self.tools, self.folder.path(), &settings)
    }
}

/// A module as an earlier run built it.
fn built(name: &str) -> Result<PathBuf> {
    let place = format!("target/wasm32-wasip1/release/{name}.wasm");
    let module = artifact::root().join(&place);
    ensure!(
        module.is_file(),
        "--built: there is no {place}; run once without it"
    );
    Ok(module)
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
