//! `edgectl keys rotate`

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Args, ValueEnum};
use edgectl::doctor::believes;
use edgectl::http::{Client, Origin, Trust};
use edgectl::rotation::{Rotation, State};
use edgectl::{Algorithm, Claims, KeyPair, Parties, SigningKey, Validity};
use serde_json::{Value, json};
use tokio::runtime;

use crate::cli::{Failure, Kid, PartiesArgs, print, say, seconds};

const AFTER_HELP: &str = "\
One step at a time; the state is what lies in the folder, so an interrupted step is repeated:

  status   what there is, and which step is next (the default)
  prepare  make the next pair: NAME.next.key (mode 0600) and NAME.next.crt
  trust    put both certificates into the bundle NAME.crt (and into --config)
           then reload the edges, and the registries that check tokens too
  switch   make the next key the signer's, NAME.key; the old one stays as NAME.previous.key
           then give GitLab the new key
  drop     once the last token of the old key has expired, take its certificate out of the bundle
           (and out of --config); the key stays as NAME.retired-TIME.key. Then reload the edges

With --edge each step is proven at a running edge: before `switch` it has to believe tokens of both keys,
after `switch` too, before `drop` it has to believe those of the new key, and after it no longer those of
the old one. A proof that fails because the edge was not reloaded yet is made up for by reloading it and
running the same step again. The tokens sent grant nothing and last a minute.

Nothing is ever deleted: a bundle that is replaced stays as NAME.TIME.crt.

Examples:
  edgectl keys rotate
  edgectl keys rotate prepare
  edgectl keys rotate trust --config edge/plugin.json
  edgectl keys rotate switch --edge https://registry.example.com
  edgectl keys rotate drop --edge https://registry.example.com --config edge/plugin.json

Exit codes: 0 the step is done, and proven where --edge was given; 1 it is not, one sentence on stderr
says why; 2 the command line is wrong.";

/// Change the key that GitLab signs with, step by step, without a refused token
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Rotate {
    /// The step
    #[arg(value_enum, default_value_t = Step::Status)]
    step: Step,

    /// Folder with the pair
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,

    /// Name of the pair, without .key and .crt
    #[arg(long, value_name = "NAME", default_value = "gitlab-registry", value_parser = super::file_name)]
    name: String,

    /// A running edge that proves each step; repeat for more
    #[arg(long, value_name = "URL")]
    edge: Vec<Origin>,

    /// Certificate authority (PEM) of the edges, besides those of the system
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,

    /// Switch without the proof of an edge: a token that no edge knows stops every pipeline
    #[arg(long, conflicts_with = "edge")]
    unproven: bool,

    /// The filter's configuration (JSON) whose `rootcertbundle` follows the bundle; repeat for more
    #[arg(long, value_name = "FILE")]
    config: Vec<PathBuf>,

    #[command(flatten)]
    parties: PartiesArgs,

    /// How tokens name the key: GitLab and Distribution 2 know libtrust, Distribution 3 RFC 7638
    #[arg(long, value_name = "KIND", value_enum, default_value_t = Kid::Libtrust)]
    kid: Kid,

    /// How long tokens of GitLab live, with the leeway of whoever verifies them; `drop` waits for it
    #[arg(long, value_name = "TIME", default_value = "16m", value_parser = token_lifetime)]
    token_lifetime: Duration,

    /// Size of the next key
    #[arg(
        long,
        value_name = "BITS",
        default_value = "4096",
        value_parser = PossibleValuesParser::new(["2048", "3072", "4096"]).try_map(|bits| bits.parse::<u32>())
    )]
    bits: u32,

    /// Days that the next certificate lasts
    #[arg(long, value_name = "DAYS", default_value_t = KeyPair::DAYS, value_parser = clap::value_parser!(u32).range(1..=2_000_000))]
    days: u32,

    /// Print the state as one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Step {
    Status,
    Prepare,
    Trust,
    Switch,
    Drop,
}

fn token_lifetime(text: &str) -> Result<Duration, String> {
    u64::try_from(seconds(text)?)
        .map(Duration::from_secs)
        .map_err(|_| "expected a time that is not negative, such as 16m".to_owned())
}

impl Rotate {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let rotation = Rotation::open(&self.dir, &self.name)?;
        let witness = Witness::new(&self)?;
        let rotation = match self.step {
            Step::Status => rotation,
            Step::Prepare => self.prepare(rotation)?,
            Step::Trust => self.trust(rotation, &witness)?,
            Step::Switch => self.switch(rotation, &witness)?,
            Step::Drop => self.drop_previous(rotation, &witness)?,
        };
        if self.json {
            return print(&status(&rotation, &witness)?.to_string());
        }
        if self.step == Step::Status {
            return print(&table(&rotation, &witness)?);
        }
        say(&format!(
            "next: `edgectl keys rotate {}`",
            rotation.state().step()
        ));
        Ok(())
    }

    fn prepare(&self, rotation: Rotation) -> Result<Rotation, Failure> {
        if rotation.state() == State::Steady {
            say(&format!(
                "generating an RSA key of {} bits; this may take some seconds …",
                self.bits
            ));
        }
        let rotation = rotation.prepare(self.bits, self.days)?;
        say(&format!(
            "the next pair is there: {}",
            rotation.next_file().display()
        ));
        Ok(rotation)
    }

    fn trust(&self, rotation: Rotation, witness: &Witness) -> Result<Rotation, Failure> {
        let rotation = rotation.trust()?;
        say(&format!(
            "{} holds both certificates",
            rotation.bundle_file().display()
        ));
        self.configure(&rotation)?;
        if let Some(next) = &rotation.next {
            witness.require(next, true, RELOAD)?;
        }
        witness.require(&rotation.current, true, RELOAD)?;
        if witness.is_blind() {
            say("reload the edges, and the registries that check tokens too, before the next step");
        }
        Ok(rotation)
    }

    fn switch(&self, rotation: Rotation, witness: &Witness) -> Result<Rotation, Failure> {
        if rotation.state() == State::Trusted {
            if witness.is_blind() && !self.unproven {
                return Err("give the running edges with --edge, so that the new key is proven there before GitLab signs \
                            with it; or --unproven"
                    .into());
            }
            if let Some(next) = &rotation.next {
                witness.require(next, true, RELOAD)?;
            }
        }
        let rotation = rotation.switch()?;
        say(&format!(
            "{} is the new key, {}: give it to GitLab (gitlab.rb: registry['internal_key'], and its certificate as \
             registry['internal_certificate']), then `gitlab-ctl reconfigure`",
            rotation.key_file().display(),
            rotation.current.key_id()
        ));
        witness.require(&rotation.current, true, RELOAD)?;
        if let Some(previous) = &rotation.previous {
            witness.require(
                previous,
                true,
                "Tokens of the old key are still under way: put its certificate back.",
            )?;
        }
        Ok(rotation)
    }

    fn drop_previous(&self, rotation: Rotation, witness: &Witness) -> Result<Rotation, Failure> {
        witness.require(&rotation.current, true, RELOAD)?;
        let rotation = rotation.drop_previous(self.token_lifetime)?;
        say(&format!(
            "{} holds the new certificate alone",
            rotation.bundle_file().display()
        ));
        self.configure(&rotation)?;
        match rotation.retired()? {
            Some(retired) => witness.require(&retired, false, RELOAD)?,
            None => {
                return Err(
                    "no key was retired here: a rotation begins with `edgectl keys rotate prepare`"
                        .into(),
                );
            }
        }
        witness.require(&rotation.current, true, RELOAD)?;
        if witness.is_blind() {
            say(
                "reload the edges, and the registries that check tokens too: until then they believe the old key",
            );
        }
        Ok(rotation)
    }

    /// Gives the configurations the bundle.
    fn configure(&self, rotation: &Rotation) -> Result<(), Failure> {
        for path in &self.config {
            let shown = path.display();
            let text =
                std::fs::read(path).map_err(|error| format!("cannot read {shown}: {error}"))?;
            let mut config: Value = serde_json::from_slice(&text).map_err(|error| {
                format!("{shown} is not the filter's configuration in JSON: {error}")
            })?;
            let members = config.as_object_mut().ok_or_else(|| {
                format!("{shown} is not the filter's configuration: expected a JSON object")
            })?;
            members.insert("rootcertbundle".to_owned(), rotation.bundle.as_str().into());
            replace(path, &format!("{config:#}\n"))?;
            say(&format!(
                "{shown} has the certificates of {}",
                rotation.bundle_file().display()
            ));
        }
        Ok(())
    }
}

const RELOAD: &str = "Reload it, then run this step again.";

/// The edges that prove steps.
struct Witness {
    edges: Vec<Client>,
    parties: Parties,
    kid: Kid,
    runtime: runtime::Runtime,
}

impl Witness {
    fn new(options: &Rotate) -> Result<Self, Failure> {
        let trust = Trust::new(options.ca.as_deref())?;
        let client = |edge: &Origin| Client::new(edge.clone(), &trust, Duration::from_secs(10));
        Ok(Self {
            edges: options.edge.iter().map(client).collect(),
            parties: Parties {
                issuer: options.parties.issuer.clone(),
                service: options.parties.service.clone(),
            },
            kid: options.kid,
            runtime: runtime::Builder::new_current_thread()
                .enable_all()
                .build()?,
        })
    }

    fn is_blind(&self) -> bool {
        self.edges.is_empty()
    }

    /// What each edge makes of a token of a key.
    fn opinions(&self, key: &SigningKey) -> Result<Vec<Result<bool, String>>, Failure> {
        let claims = Claims::background(&self.parties, Vec::new(), Validity::minutes(1));
        let token = key.sign_with(&claims, Algorithm::RS256, self.kid.into())?;
        let ask = |edge| self.runtime.block_on(believes(edge, &token));
        Ok(self.edges.iter().map(ask).collect())
    }

    /// Every edge has to believe a key's tokens, or to refuse them.
    fn require(&self, key: &SigningKey, believed: bool, remedy: &str) -> Result<(), Failure> {
        let word = |believed| if believed { "believes" } else { "refuses" };
        for (edge, opinion) in self.edges.iter().zip(self.opinions(key)?) {
            let (edge, key_id) = (edge.origin(), key.key_id());
            match opinion {
                Ok(found) if found == believed => {
                    say(&format!(
                        "proven: {edge} {} tokens of the key {key_id}",
                        word(found)
                    ));
                }
                Ok(found) => {
                    return Err(format!(
                        "{edge} {} tokens of the key {key_id}. {remedy}",
                        word(found)
                    )
                    .into());
                }
                Err(unclear) => {
                    return Err(format!("{unclear}. {remedy}").into());
                }
            }
        }
        Ok(())
    }
}

/// The keys in the order of their time, with what is known of each.
fn keys(rotation: &Rotation) -> Vec<(&'static str, &SigningKey)> {
    let mut keys = Vec::new();
    keys.extend(rotation.previous.as_ref().map(|key| ("previous", key)));
    keys.push(("signer", &rotation.current));
    keys.extend(rotation.next.as_ref().map(|key| ("next", key)));
    keys
}

fn status(rotation: &Rotation, witness: &Witness) -> Result<Value, Failure> {
    let mut described = Vec::new();
    for (role, key) in keys(rotation) {
        let opinions = witness.opinions(key)?;
        let edges: Vec<Value> = witness
            .edges
            .iter()
            .zip(opinions)
            .map(|(edge, opinion)| {
                json!({
                    "url": edge.origin().to_string(),
                    "believes": opinion.as_ref().ok(),
                    "unclear": opinion.as_ref().err(),
                })
            })
            .collect();
        described.push(json!({
            "role": role,
            "key_id": key.key_id(),
            "thumbprint": key.thumbprint(),
            "in_bundle": rotation.trusts(key),
            "edges": edges,
        }));
    }
    let state = rotation.state();
    Ok(json!({ "state": state.name(), "next_step": state.step(), "keys": described }))
}

fn table(rotation: &Rotation, witness: &Witness) -> Result<String, Failure> {
    let state = rotation.state();
    let mut lines = vec![format!(
        "state: {}; next: `edgectl keys rotate {}`",
        state.name(),
        state.step()
    )];
    for (role, key) in keys(rotation) {
        let bundle = if rotation.trusts(key) {
            "in the bundle"
        } else {
            "not in the bundle"
        };
        lines.push(format!("  {role:<9} {}  {bundle}", key.key_id()));
        for (edge, opinion) in witness.edges.iter().zip(witness.opinions(key)?) {
            let opinion = match opinion {
                Ok(true) => format!("{} believes it", edge.origin()),
                Ok(false) => format!("{} refuses it", edge.origin()),
                Err(unclear) => unclear,
            };
            lines.push(format!("            {opinion}"));
        }
    }
    Ok(lines.join("\n"))
}

/// Replaces a file in one step; whoever could read it still can.
fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    std::fs::write(&new, text)
        .and_then(|()| std::fs::metadata(path))
        .and_then(|metadata| std::fs::set_permissions(&new, metadata.permissions()))
        .and_then(|()| std::fs::rename(&new, path))
        .map_err(|error| format!("cannot write {}: {error}", path.display()).into())
}
